#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "daemon/config/settings.hpp"

namespace slopn::config {

/// Keeps the settings over restarts, in one TOML file (0600) that is replaced as a whole.
/// Blocking, but small.
class SettingsStore {
 public:
  explicit SettingsStore(std::filesystem::path file) : file_(std::move(file)) {}

  struct Loaded {
    Settings settings;
    /// Why the file could not be read. `settings` is then what is safe: lockdown, no connection at
    /// start, defaults otherwise. The file is as it was.
    std::optional<Error> problem;
  };
  /// A missing file means defaults.
  [[nodiscard]] Loaded load() const;

  /// Replaces the file. One that `load()` has a problem with is kept beside it first, as
  /// "settings.toml.damaged-1" (or "newer-1", or the next free number): at no time is there no file,
  /// which would mean defaults.
  [[nodiscard]] Result<> save(const Settings& settings) const;

 private:
  [[nodiscard]] Result<Settings> read() const;
  [[nodiscard]] Result<> keep_beside(std::string_view why) const;

  std::filesystem::path file_;
};

}  // namespace slopn::config
