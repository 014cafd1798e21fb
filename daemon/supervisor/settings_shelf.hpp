#pragma once

#include <functional>
#include <memory>

#include "daemon/commands.hpp"
#include "daemon/config/settings_store.hpp"

namespace spdlog {
class logger;
}

namespace slopn::daemon {

/// The client's settings, as callers speak of them. On the control thread; reads and writes a small
/// file.
class SettingsShelf {
 public:
  /// Whether there is such a profile; if not, why. Must outlive the shelf's last call.
  using FindProfile = std::function<Result<>(const std::string& name)>;

  /// A file that cannot be read is logged, and `current()` is then what is safe.
  SettingsShelf(std::filesystem::path file, FindProfile find_profile,
                std::shared_ptr<spdlog::logger> log);

  [[nodiscard]] const config::Settings& current() const noexcept { return current_; }
  /// Why the stored settings are not in force; empty when they are.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  [[nodiscard]] SettingsReport report() const;
  [[nodiscard]] std::string text() const { return config::format_settings(current_); }

  /// Both store what they are given before it is in force, and repair a file that could not be read,
  /// which is kept. On failure nothing has changed.
  [[nodiscard]] config::SettingsResult<void> update(
      const std::vector<config::SettingText>& changes);
  [[nodiscard]] config::SettingsResult<void> replace(const std::string& text);

 private:
  [[nodiscard]] config::SettingsResult<void> take(config::Settings settings);

  config::SettingsStore store_;
  FindProfile find_profile_;
  std::shared_ptr<spdlog::logger> log_;  // shared by every part of the daemon
  config::Settings current_;
  std::string problem_;
};

}  // namespace slopn::daemon
