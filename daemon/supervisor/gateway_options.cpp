#include "daemon/supervisor/gateway_options.hpp"

#include <sched.h>

#include <algorithm>
#include <random>
#include <set>

#include "daemon/supervisor/data_path_options.hpp"
#include "libtunnel/base/file.hpp"
#include "libtunnel/base/overloaded.hpp"
#include "libtunnel/quic/worker_steering.hpp"

namespace slopn::daemon {
namespace {

ClientKey key_of(const config::KnownClient& client)
{
  return std::visit(Overloaded{
                        [](const crypto::PublicKey& key) {
                          return *ClientKey::make(ClientKeyKind::ed25519, key.bytes());
                        },
                        [](const crypto::SpkiPin& pin) {
                          return *ClientKey::make(ClientKeyKind::certificate_spki,
                                                  view(pin.sha256.data(), pin.sha256.size()));
                        },
                    },
                    client.identity);
}

}  // namespace

std::size_t worker_count(const config::GatewayConfig& config)
{
  if (config.workers > 0) return config.workers;
  // Not hardware_concurrency(), which counts all cores also where a container has few.
  cpu_set_t ours;
  CPU_ZERO(&ours);
  const int cores = ::sched_getaffinity(0, sizeof ours, &ours) == 0 ? CPU_COUNT(&ours) : 1;
  return std::clamp<std::size_t>(static_cast<std::size_t>(cores), 1,
                                 quic::WorkerSteering::kMaxWorkers);
}

Result<session::AdmissionRules> admission_rules(const config::GatewayConfig& config,
                                                const std::vector<config::InvitedClient>& invited)
{
  std::vector<AccessList::Entry> entries;
  std::set<ClientKey> known;
  const auto add = [&](const std::string& name, const ClientKey& key) {
    if (known.insert(key).second) entries.push_back({name, key});
  };
  for (const config::KnownClient& client : config.auth.clients) add(client.name, key_of(client));
  for (const config::InvitedClient& client : invited)
    add(client.name, *ClientKey::make(ClientKeyKind::ed25519, client.public_key.bytes()));
  auto list = AccessList::make(std::move(entries));
  if (!list) return list.error();
  return session::AdmissionRules{std::move(*list), config.auth.anonymous, config.hostnames};
}

std::vector<wire::IpRange> advertised_routes(const std::vector<IpPrefix>& routes)
{
  std::vector<wire::IpRange> ranges;
  for (const IpPrefix& route : routes) ranges.push_back({route.first(), route.last(), 0});
  return ranges;
}

session::GatewayEndpointOptions endpoint_options(
    const config::Config& config, const std::vector<IpInterfaceAddress>& own_addresses,
    const quic::ResetSecret& reset_secret)
{
  const config::LimitsConfig& limits = config.gateway.limits;
  session::GatewayEndpointOptions options;
  options.quic.max_udp_payload_bytes = udp_payload_for(config.gateway.max_mtu_bytes);
  options.quic.idle_timeout = limits.idle_timeout;
  options.quic.keep_alive = limits.keep_alive;
  options.quic.handshake_timeout = limits.handshake_timeout;
  options.quic.congestion_control = to_quic(config.transport.congestion_control);
  options.quic.pacing = config.transport.pacing;
  options.reset_secret = reset_secret;
  for (const IpInterfaceAddress& own : own_addresses) options.own_addresses.push_back(own.address);
  options.pools = config.gateway.pools;
  options.client_to_client = config.gateway.client_to_client;
  options.max_sessions = limits.max_sessions;
  options.max_handshakes = limits.max_handshakes;
  options.retry_above_handshakes = limits.retry_threshold;
  return options;
}

platform::GatewayRules gateway_rules(const config::GatewayConfig& config,
                                     std::string_view interface_name,
                                     std::vector<UdpEndpoint> services)
{
  platform::GatewayRules rules;
  rules.tunnel_interface = interface_name;
  rules.pools = config.pools;
  rules.masquerade = config.masquerade;
  rules.client_to_client = config.client_to_client;
  rules.forbidden = config.forbidden;
  rules.services = std::move(services);
  return rules;
}

Result<quic::ResetSecret> load_or_make_reset_secret(const std::filesystem::path& file)
{
  quic::ResetSecret secret{};
  const auto stored = read_file(file, {.max_bytes = 256, .trust = FileTrust::ourselves});
  if (stored && stored->size() == secret.size()) {
    std::ranges::copy(*stored, secret.begin());
    return secret;
  }
  // Missing or damaged: a new one only means that clients of the last run find out by time-out.
  std::random_device random;
  for (std::uint8_t& byte : secret) byte = static_cast<std::uint8_t>(random());
  if (auto written = atomic_write_file(file, as_text(view(secret.data(), secret.size())), 0600);
      !written)
    return written.error();
  return secret;
}

}  // namespace slopn::daemon
