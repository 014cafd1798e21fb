#include "daemon/supervisor/client_network.hpp"

#include <algorithm>

namespace slopn::daemon {
namespace {

bool covers(const IpPrefix& outer, const IpPrefix& inner) noexcept
{
  return outer.length_bits() <= inner.length_bits() && outer.contains(inner.address());
}

platform::NetworkConfig::Policy own_policy(const config::ClientConfig& config)
{
  platform::NetworkConfig::Policy policy;
  policy.bypass_mark = config.fwmark;
  policy.table = config.routing_table;
  policy.rule_priority = config.rule_priority;
  return policy;
}

}  // namespace

std::vector<IpPrefix> tunnelled_prefixes(const std::vector<wire::IpRange>& advertised,
                                         const std::vector<IpPrefix>& allowed)
{
  if (advertised.empty()) return allowed;
  std::vector<IpPrefix> tunnelled;
  const auto add = [&](const IpPrefix& prefix) {
    if (std::ranges::find(tunnelled, prefix) == tunnelled.end()) tunnelled.push_back(prefix);
  };
  for (const wire::IpRange& range : advertised) {
    if (range.protocol != 0) continue;
    for (const IpPrefix& prefix : prefixes_for_range(range.first, range.last)) {
      if (allowed.empty()) add(prefix);
      for (const IpPrefix& limit : allowed) {
        if (covers(limit, prefix)) add(prefix);
        if (covers(prefix, limit)) add(limit);
      }
    }
  }
  return tunnelled;
}

std::vector<UdpEndpoint> endpoints_inside(const std::vector<UdpEndpoint>& endpoints,
                                          const std::vector<IpPrefix>& own_addresses,
                                          const std::vector<IpPrefix>& through_tunnel)
{
  std::vector<UdpEndpoint> inside;
  for (const UdpEndpoint& endpoint : endpoints) {
    const auto contains = [&](const IpPrefix& prefix) { return prefix.contains(endpoint.address); };
    const auto same_family = [&](const IpPrefix& own) {
      return own.version() == endpoint.address.version();
    };
    const auto ours = [&](const IpPrefix& own) { return own.address() == endpoint.address; };
    if (std::ranges::any_of(own_addresses, same_family) &&
        std::ranges::none_of(own_addresses, ours) && std::ranges::any_of(through_tunnel, contains))
      inside.push_back(endpoint);
  }
  return inside;
}

platform::NetworkConfig client_network(const config::ClientConfig& config,
                                       std::string_view interface_name,
                                       const session::TunnelParameters& parameters,
                                       const std::vector<IpPrefix>& through_tunnel)
{
  platform::NetworkConfig network;
  network.interface_name = interface_name;
  network.mtu_bytes = static_cast<std::uint16_t>(parameters.mtu_bytes);
  bool has_v6 = false;
  for (const IpPrefix& address : parameters.addresses) {
    network.addresses.push_back({address.address(), address.length_bits()});
    has_v6 = has_v6 || address.version() == IpVersion::v6;
  }
  platform::NetworkConfig::Policy policy = own_policy(config);
  policy.unreachable = through_tunnel;
  for (const IpPrefix& prefix : through_tunnel) {
    if (prefix.version() == IpVersion::v4 || has_v6) policy.through_tunnel.push_back(prefix);
  }
  const IpPrefix all_v6 = IpPrefix::all(IpVersion::v6);
  const bool all_v4 =
      std::ranges::find(through_tunnel, IpPrefix::all(IpVersion::v4)) != through_tunnel.end();
  if (all_v4 && std::ranges::find(policy.unreachable, all_v6) == policy.unreachable.end())
    policy.unreachable.push_back(all_v6);
  network.policy = std::move(policy);
  return network;
}

platform::NetworkConfig blocked_network(const config::ClientConfig& config)
{
  platform::NetworkConfig network;
  network.policy = own_policy(config);
  network.policy->unreachable = {IpPrefix::all(IpVersion::v4), IpPrefix::all(IpVersion::v6)};
  return network;
}

}  // namespace slopn::daemon
