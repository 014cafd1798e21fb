#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

/// What the user wants of a client: kept over restarts, changed while it runs. Names, types, ranges
/// and texts for people are in `settings_schema.cpp`, one entry a key; everything else (the file,
/// messages, the API's list, docs/settings.md) is made from those entries.
namespace slopn::config {

struct KeyInfo;

/// The version that `format_settings` writes.
inline constexpr std::uint32_t kSettingsVersion = 1;
inline constexpr std::size_t kMaxSettingsBytes = std::size_t{60} * 1024;  ///< Fits into a call.
inline constexpr std::size_t kMaxSplitPrefixes = 500;  ///< Of each list: each one is a route.
inline constexpr std::size_t kMaxDnsServers = 8;

enum class DnsMode { gateway, system, custom };
enum class TunnelProtocol { automatic, connect_ip };

struct Settings {
  std::string auto_connect;     ///< A profile; empty: what client.connect_on_start says.
  bool lockdown = false;        ///< Block traffic whenever there is no tunnel.
  bool lan_access = false;      ///< Reach private networks on links of this host directly.
  std::uint16_t mtu_bytes = 0;  ///< Largest inner MTU; 0: what the profile or slopnd.toml says.
  TunnelProtocol protocol = TunnelProtocol::automatic;
  DnsMode dns = DnsMode::system;
  std::vector<IpAddress> dns_servers;   ///< For DnsMode::custom only.
  std::vector<IpPrefix> split_exclude;  ///< Never through the tunnel.
  std::vector<IpPrefix> split_include;  ///< If any: nothing else goes through the tunnel.

  friend bool operator==(const Settings&, const Settings&) = default;
};

/// A key and its value as people and programs exchange them: "split.exclude", "10.0.0.0/8,fd00::/8".
struct SettingText {
  std::string key;
  std::string value;  ///< Lists are separated by commas. When it comes in, empty is the default.
  friend bool operator==(const SettingText&, const SettingText&) = default;
};

/// Why settings were not accepted.
struct SettingsRefusal : Error {
  std::string key;  ///< The one at fault, if a single one is.
};
template <class T>
using SettingsResult = boost::system::result<T, SettingsRefusal>;

/// Settings from TOML, older versions included. A text must have all keys of its version, so that
/// one that was cut off is not taken for defaults. `origin` stands for the file's name in messages.
/// Errc::invalid_argument with every complaint, one a line; Errc::refused for a newer version.
[[nodiscard]] Result<Settings> parse_settings(std::string_view toml, std::string_view origin);

/// All of it, in the present version. `parse_settings` reads it back.
[[nodiscard]] std::string format_settings(const Settings& settings);

/// All keys, in a fixed order.
[[nodiscard]] std::vector<SettingText> setting_texts(const Settings& settings);

/// `settings` with all of `changes`, which come one after the other; a key may come twice.
/// Errc::invalid_argument for an unknown key, a wrong value, or values that do not go together.
[[nodiscard]] SettingsResult<Settings> with_changes(Settings settings,
                                                    std::span<const SettingText> changes);

/// Refuses what this slopnd cannot do yet: nobody is to believe that a setting works that has no
/// effect. To be asked before settings are stored.
[[nodiscard]] SettingsResult<void> check_supported(const Settings& settings);

/// Keys in which two settings differ.
[[nodiscard]] std::vector<std::string> changed_keys(const Settings& before, const Settings& after);

/// Of these, the keys that a present connection does not notice.
[[nodiscard]] std::vector<std::string> changed_for_later(const Settings& before,
                                                         const Settings& after);

/// What a person needs to know of each key. `live`: a present connection notices a change.
[[nodiscard]] const std::vector<KeyInfo>& setting_infos();

/// The table in docs/settings.md.
[[nodiscard]] std::string settings_as_markdown();

}  // namespace slopn::config
