#pragma once

#include "daemon/config/config.hpp"
#include "daemon/config/profile.hpp"
#include "libtunnel/session/client_session.hpp"
#include "platform/route_manager.hpp"

namespace slopn::daemon {

/// What goes into the tunnel: of the advertised ranges those for all protocols, cut down to what
/// the profile allows. A gateway that advertises nothing is taken to carry what the profile names.
[[nodiscard]] std::vector<IpPrefix> tunnelled_prefixes(const std::vector<wire::IpRange>& advertised,
                                                       const std::vector<IpPrefix>& allowed);

/// Of the endpoints that a gateway names for measuring, those that lie inside the tunnel and are not
/// ourselves: nobody is to be talked into sending a load to somebody else.
[[nodiscard]] std::vector<UdpEndpoint> endpoints_inside(
    const std::vector<UdpEndpoint>& endpoints, const std::vector<IpPrefix>& own_addresses,
    const std::vector<IpPrefix>& through_tunnel);

/// How the host's network is to look for a tunnel with these parameters. What is tunnelled, and
/// IPv6 wherever all of IPv4 is, never takes another way, also when the interface is lost.
[[nodiscard]] platform::NetworkConfig client_network(const config::ClientConfig& config,
                                                     std::string_view interface_name,
                                                     const session::TunnelParameters& parameters,
                                                     const std::vector<IpPrefix>& through_tunnel);

/// How it is to look when nothing may leave the host but our own packets.
[[nodiscard]] platform::NetworkConfig blocked_network(const config::ClientConfig& config);

}  // namespace slopn::daemon
