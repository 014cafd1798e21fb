#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/config.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::config {

inline constexpr std::string_view kDefaultConfigPath = "/etc/slopn/slopnd.toml";
inline constexpr std::size_t kMaxConfigBytes = std::size_t{1024} * 1024;

using Environment = std::map<std::string, std::string>;

/// `environ` as a map. Only variables whose name starts with "SLOPN_".
[[nodiscard]] Environment slopn_environment();

/// One `--set gateway.listen=0.0.0.0:4242`.
struct Override {
  std::string key;
  std::string value;   ///< Text; a list is separated by commas.
  std::string origin;  ///< For messages: "--set".
};

enum class FileNeed {
  optional,  ///< A missing file means defaults; for the path nobody asked for by name.
  required
};

/// Where values come from. Later ones win: defaults, file, environment, overrides.
struct LoadOrder {
  std::filesystem::path file;  ///< Empty: no file.
  FileNeed file_need = FileNeed::required;
  Environment environment;  ///< Names that do not start with SLOPN_ are ignored.
  std::vector<Override> overrides;
};

/// Reads and checks everything. On failure the error's context holds every complaint, one a line:
///     slopnd.toml:12:1: unknown key gateway.lisen; did you mean gateway.listen?
/// Errc::invalid_argument for complaints; other codes when the file cannot be read.
[[nodiscard]] Result<Config> load(const LoadOrder& order);

/// The same for a text that is already there; `origin` stands for its file name in messages.
[[nodiscard]] Result<Config> parse_config(std::string_view toml, std::string_view origin);

/// Which keys differ between two configs, by their full names.
struct ConfigChange {
  std::vector<std::string> live;           ///< Take effect at once.
  std::vector<std::string> needs_restart;  ///< Take effect with the next start.
};
[[nodiscard]] ConfigChange diff_live(const Config& running, const Config& loaded);

/// `running` with the values of `loaded` for all keys that can change live: what a daemon should
/// run with after SIGHUP.
[[nodiscard]] Config with_live_changes(Config running, const Config& loaded);

/// One key, for people and for the documentation.
struct KeyInfo {
  std::string name;           ///< "gateway.listen"
  std::string type;           ///< "list of UDP endpoints"
  std::string default_value;  ///< As TOML would write it.
  std::string description;
  std::string environment;  ///< "SLOPN_GATEWAY_LISTEN"
  bool live;                ///< Whether SIGHUP can change it.
};
[[nodiscard]] const std::vector<KeyInfo>& keys();

/// The table in docs/configuration.md.
[[nodiscard]] std::string keys_as_markdown();

/// Variables that start with SLOPN_ and are no keys: for slopnctl, the build or the tests.
[[nodiscard]] std::span<const std::string_view> other_variables() noexcept;

}  // namespace slopn::config
