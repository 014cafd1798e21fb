#pragma once

#include <filesystem>

#include "daemon/config/client_registry.hpp"
#include "daemon/config/config.hpp"
#include "libtunnel/session/gateway_endpoint.hpp"
#include "platform/firewall.hpp"
#include "platform/route_manager.hpp"

namespace slopn::daemon {

/// How many workers a gateway has: as configured, or one for each core that this process may use.
[[nodiscard]] std::size_t worker_count(const config::GatewayConfig& config);

/// Who may come in: the configuration's clients and those who were invited. One that both name
/// counts once. Errors: a key under two names.
[[nodiscard]] Result<session::AdmissionRules> admission_rules(
    const config::GatewayConfig& config, const std::vector<config::InvitedClient>& invited);

/// The routes a client is told, as CONNECT-IP writes them.
[[nodiscard]] std::vector<wire::IpRange> advertised_routes(const std::vector<IpPrefix>& routes);

[[nodiscard]] session::GatewayEndpointOptions endpoint_options(
    const config::Config& config, const std::vector<IpInterfaceAddress>& own_addresses,
    const quic::ResetSecret& reset_secret);

/// `services`: what clients may reach on this host itself.
[[nodiscard]] platform::GatewayRules gateway_rules(const config::GatewayConfig& config,
                                                   std::string_view interface_name,
                                                   std::vector<UdpEndpoint> services);

/// The secret behind stateless resets, made on the first call and kept in `file` (0600), so that
/// clients of a gateway that was restarted learn of it at once.
[[nodiscard]] Result<quic::ResetSecret> load_or_make_reset_secret(
    const std::filesystem::path& file);

}  // namespace slopn::daemon
