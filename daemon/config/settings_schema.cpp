#include "daemon/config/settings_schema.hpp"

#include <algorithm>
#include <array>

/// Every key of the settings, once.
namespace slopn::config {
namespace {

using Keys = std::vector<Key<Settings>>;

// Version 1 is the first one: there is nothing older yet.
constexpr std::array<SettingsStep, 0> kSteps{};
static_assert(kSettingsVersion == 1 + kSteps.size(), "each new version needs a step");

Codec<std::uint16_t> mtu_or_zero()
{
  const auto number = integer<std::uint16_t>({1280, 65535}, "bytes");  // RFC 8200 section 5
  const std::string type = "0 or " + number.type;
  auto read = [number, type](const Value& value, std::string_view key, Diagnostics& diagnostics,
                             std::uint16_t& target) {
    if (integer_of(value) == 0) {
      target = 0;
      return true;
    }
    Diagnostics unused;  // its text would not name the 0
    if (number.read(value, key, unused, target)) return true;
    complain_type(value, key, type, diagnostics);
    return false;
  };
  return {type, read, number.write};
}

Codec<IpAddress> server_address()
{
  auto parse = [](std::string_view text) -> std::optional<IpAddress> {
    const auto address = IpAddress::parse(text);
    if (!address || address->is_unspecified() || address->is_multicast()) return std::nullopt;
    return address;
  };
  return text_codec<IpAddress>({"IP address of a host", parse,
                                [](const IpAddress& address) { return address.to_string(); }});
}

void add_root(Keys& keys)
{
  const auto add = [&](KeyText text, auto codec, auto place) {
    keys.push_back(make_key<Settings>(std::move(text), std::move(codec), place));
  };
  add(
      {"auto_connect",
       "The profile to connect as soon as the daemon runs. Empty: what `client.connect_on_start` "
       "in slopnd.toml says.",
       Live::yes},
      maybe_empty(safe_name("profile name")), [](auto& s) -> auto& { return s.auto_connect; });
  add(
      {"lockdown",
       "Block traffic whenever there is no tunnel, also when somebody asked to disconnect.",
       Live::yes},
      boolean(), [](auto& s) -> auto& { return s.lockdown; });
  add(
      {"lan_access",
       "Reach private networks directly that links of this host are in (RFC 1918, link-local and "
       "unique local addresses). A public network on a link goes through the tunnel all the same.",
       Live::yes},
      boolean(), [](auto& s) -> auto& { return s.lan_access; });
  add(
      {"mtu_bytes",
       "Largest inner MTU; the real one follows the path and may be smaller. 0: what the profile "
       "or `client.max_mtu_bytes` in slopnd.toml says."},
      mtu_or_zero(), [](auto& s) -> auto& { return s.mtu_bytes; });
  add(
      {"protocol",
       "How to talk to the gateway. auto takes the best one that both sides have; so far there is "
       "only connect-ip (RFC 9484 over HTTP/3)."},
      choice<TunnelProtocol>(
          {{"auto", TunnelProtocol::automatic}, {"connect-ip", TunnelProtocol::connect_ip}}),
      [](auto& s) -> auto& { return s.protocol; });
}

void add_sections(Keys& keys)
{
  const auto add = [&](KeyText text, auto codec, auto place) {
    keys.push_back(make_key<Settings>(std::move(text), std::move(codec), place));
  };
  add(
      {"dns.mode",
       "Whom the host asks for names: the gateway's resolvers, those of the system as they are, or "
       "`dns.servers`. This slopnd does not manage DNS yet and takes only system.",
       Live::yes},
      choice<DnsMode>({{"gateway", DnsMode::gateway},
                       {"system", DnsMode::system},
                       {"custom", DnsMode::custom}}),
      [](auto& s) -> auto& { return s.dns; });
  add(
      {"dns.servers", "The resolvers, if `dns.mode` is custom.", Live::yes},
      list(server_address(), "IP addresses", kMaxDnsServers),
      [](auto& s) -> auto& { return s.dns_servers; });
  add(
      {"split.exclude",
       "What never goes through the tunnel, whatever the gateway, the profile or `split.include` "
       "say.",
       Live::yes},
      list(prefix(), "prefixes", kMaxSplitPrefixes),
      [](auto& s) -> auto& { return s.split_exclude; });
  add(
      {"split.include",
       "If there are any, only these go through the tunnel. What of them the gateway does not "
       "carry goes nowhere while connected. Empty: all that the gateway and the profile say.",
       Live::yes},
      list(prefix(), "prefixes", kMaxSplitPrefixes),
      [](auto& s) -> auto& { return s.split_include; });
}

bool covers(const IpPrefix& outer, const IpPrefix& inner) noexcept
{
  return outer.length_bits() <= inner.length_bits() && outer.contains(inner.address());
}

}  // namespace

const Schema<Settings>& settings_schema()
{
  static const Schema<Settings> schema = [] {
    Keys keys;
    add_root(keys);
    add_sections(keys);
    return Schema<Settings>{std::move(keys)};
  }();
  return schema;
}

void check_settings(const Settings& settings, const Origins& origins, Diagnostics& diagnostics)
{
  const auto complain = [&](std::string_view key, std::string_view complaint) {
    const auto origin = origins.find(key);
    diagnostics.add(origin == origins.end() ? Position{"settings"} : origin->second,
                    std::string{key}.append(": ").append(complaint));
  };
  if (settings.dns == DnsMode::custom && settings.dns_servers.empty())
    complain("dns.servers", "dns.mode is \"custom\", which needs one at least");
  if (settings.dns != DnsMode::custom && !settings.dns_servers.empty())
    complain("dns.servers", "are used only if dns.mode is \"custom\"");
  for (const IpPrefix& included : settings.split_include) {
    const auto excluding = std::ranges::find_if(
        settings.split_exclude, [&](const IpPrefix& one) { return covers(one, included); });
    if (excluding == settings.split_exclude.end()) continue;
    complain("split.include", included.to_string() + " lies inside of " + excluding->to_string() +
                                  ", which split.exclude keeps outside of the tunnel");
  }
}

std::span<const SettingsStep> settings_steps() noexcept
{
  return kSteps;
}

void migrate_settings(Table& document, std::uint32_t version, std::span<const SettingsStep> steps)
{
  for (const SettingsStep step : steps.subspan(version - 1)) step(document);
}

}  // namespace slopn::config
