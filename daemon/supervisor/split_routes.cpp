#include "daemon/supervisor/split_routes.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace slopn::daemon {
namespace {

bool covers(const IpPrefix& outer, const IpPrefix& inner) noexcept
{
  return outer.length_bits() <= inner.length_bits() && outer.contains(inner.address());
}

bool covered_by(const std::vector<IpPrefix>& list, const IpPrefix& prefix)
{
  return std::ranges::any_of(list, [&](const IpPrefix& one) { return covers(one, prefix); });
}

void add(std::vector<IpPrefix>& list, const IpPrefix& prefix)
{
  if (std::ranges::find(list, prefix) == list.end()) list.push_back(prefix);
}

bool is_private(const IpPrefix& prefix)
{
  static const std::array kPrivate{
      IpPrefix::containing(IpAddress::v4({10, 0, 0, 0}), 8),      // RFC 1918
      IpPrefix::containing(IpAddress::v4({172, 16, 0, 0}), 12),   // RFC 1918
      IpPrefix::containing(IpAddress::v4({192, 168, 0, 0}), 16),  // RFC 1918
      IpPrefix::containing(IpAddress::v4({169, 254, 0, 0}), 16),  // RFC 3927
      IpPrefix::containing(IpAddress::v6({0xfe, 0x80}), 10),      // RFC 4291 section 2.5.6
      IpPrefix::containing(IpAddress::v6({0xfc, 0x00}), 7),       // RFC 4193
  };
  return std::ranges::any_of(kPrivate, [&](const IpPrefix& one) { return covers(one, prefix); });
}

// The length of the longest prefix in `list` that contains `address`; -1 if none does.
int longest_match(const std::vector<IpPrefix>& list, const IpAddress& address)
{
  int longest = -1;
  for (const IpPrefix& prefix : list) {
    if (prefix.contains(address)) longest = std::max<int>(longest, prefix.length_bits());
  }
  return longest;
}

// What is in both.
std::vector<IpPrefix> cut(const std::vector<IpPrefix>& prefixes,
                          const std::vector<IpPrefix>& limits)
{
  std::vector<IpPrefix> both;
  for (const IpPrefix& prefix : prefixes) {
    for (const IpPrefix& limit : limits) {
      if (covers(limit, prefix)) add(both, prefix);
      if (covers(prefix, limit)) add(both, limit);
    }
  }
  return both;
}

}  // namespace

std::vector<IpPrefix> private_networks(const std::vector<platform::LocalNetwork>& networks,
                                       std::string_view tunnel_interface)
{
  std::vector<IpPrefix> found;
  for (const auto& [interface_name, prefix] : networks) {
    if (interface_name != tunnel_interface && is_private(prefix)) add(found, prefix);
  }
  return found;
}

RoutePlan plan_routes(const RouteWishes& wishes)
{
  RoutePlan plan;
  plan.through_tunnel = tunnelled_prefixes(wishes.advertised, wishes.profile_routes);
  if (!wishes.include.empty()) {
    const bool says_nothing = wishes.advertised.empty() && wishes.profile_routes.empty();
    plan.through_tunnel = says_nothing ? wishes.include : cut(plan.through_tunnel, wishes.include);
    // The rest of what the user wants inside must not be seen outside.
    for (const IpPrefix& prefix : wishes.include) {
      if (!covered_by(plan.through_tunnel, prefix)) add(plan.nowhere, prefix);
    }
  }
  const auto excluded = [&](const IpPrefix& one) { return covered_by(wishes.exclude, one); };
  std::erase_if(plan.through_tunnel, excluded);
  std::erase_if(plan.nowhere, excluded);
  for (const IpPrefix& prefix : wishes.exclude) add(plan.outside, prefix);
  for (const IpPrefix& prefix : wishes.lan) add(plan.outside, prefix);
  return plan;
}

std::vector<UdpEndpoint> endpoints_inside(const std::vector<UdpEndpoint>& endpoints,
                                          const std::vector<IpPrefix>& own_addresses,
                                          const RoutePlan& plan)
{
  auto inside = endpoints_inside(endpoints, own_addresses, plan.through_tunnel);
  std::erase_if(inside, [&](const UdpEndpoint& one) {
    return longest_match(plan.outside, one.address) >=
           longest_match(plan.through_tunnel, one.address);
  });
  return inside;
}

platform::NetworkConfig client_network(const config::ClientConfig& config,
                                       std::string_view interface_name,
                                       const session::TunnelParameters& parameters,
                                       const RoutePlan& plan)
{
  auto network = client_network(config, interface_name, parameters, plan.through_tunnel);
  network.policy->outside = plan.outside;
  for (const IpPrefix& prefix : plan.nowhere) add(network.policy->unreachable, prefix);
  return network;
}

}  // namespace slopn::daemon
