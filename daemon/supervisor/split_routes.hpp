#pragma once

#include <string_view>
#include <vector>

#include "daemon/supervisor/client_network.hpp"
#include "platform/local_networks.hpp"

namespace slopn::daemon {

/// Of the networks on this host's links those that may be reached beside the tunnel: every address
/// of them is private (RFC 1918, RFC 4193) or link-local. A network that is only partly private is
/// not one of them: whoever runs a LAN could otherwise draw the traffic to any address to himself
/// (CVE-2023-36672, LocalNet). Neither is what lies on `tunnel_interface` or on loopback.
[[nodiscard]] std::vector<IpPrefix> private_networks(
    const std::vector<platform::LocalNetwork>& networks, std::string_view tunnel_interface);

/// All that decides about the way of a destination.
struct RouteWishes {
  std::vector<wire::IpRange> advertised = {};  ///< By the gateway.
  std::vector<IpPrefix> profile_routes = {};   ///< Empty: all.
  std::vector<IpPrefix> include = {};          ///< The setting; empty: all.
  std::vector<IpPrefix> exclude = {};          ///< The setting.
  std::vector<IpPrefix> lan = {};              ///< `private_networks()`, if they may be reached.
};

/// The way of each destination: the list with the longest prefix that contains it decides, at the
/// same length the first of them; what is in none is left alone.
struct RoutePlan {
  std::vector<IpPrefix> outside;
  std::vector<IpPrefix> through_tunnel;
  std::vector<IpPrefix> nowhere;  ///< Asked for, but not carried by the gateway.
  friend bool operator==(const RoutePlan&, const RoutePlan&) = default;
};

/// An excluded prefix stays outside as a whole. Beside that the longest prefix decides: a gateway
/// may carry a part of what is private around here, and the other way round.
[[nodiscard]] RoutePlan plan_routes(const RouteWishes& wishes);

/// `endpoints` that lie inside the tunnel by `plan`.
[[nodiscard]] std::vector<UdpEndpoint> endpoints_inside(const std::vector<UdpEndpoint>& endpoints,
                                                        const std::vector<IpPrefix>& own_addresses,
                                                        const RoutePlan& plan);

/// The host's network with all of `plan`.
[[nodiscard]] platform::NetworkConfig client_network(const config::ClientConfig& config,
                                                     std::string_view interface_name,
                                                     const session::TunnelParameters& parameters,
                                                     const RoutePlan& plan);

}  // namespace slopn::daemon
