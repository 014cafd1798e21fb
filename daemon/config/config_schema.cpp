#include "daemon/config/schema.hpp"

/// Every key of slopnd.toml, once. Reading, complaints, `--help` and docs/configuration.md are made
/// from this table.
namespace slopn::config {
namespace {

using Keys = std::vector<Key<Config>>;

constexpr Range<std::uint32_t> kAnyMark{1, 0xFFFFFFFF};
constexpr Range<std::uint16_t> kInnerMtu{1280, 65535};  // IPv6 needs 1280, RFC 8200 section 5
constexpr std::uint32_t kMaxWorkers = 64;
constexpr Range<std::uint32_t> kTimeout{1, 600};
constexpr Range<std::uint32_t> kIdleTimeout{5, 86400};
constexpr Range<std::uint32_t> kKeepAlive{0, 3600};

void add_common(Keys& keys)
{
  const auto add = [&](KeyText text, auto codec, auto place) {
    keys.push_back(make_key<Config>(std::move(text), std::move(codec), place));
  };
  add(
      {"role", "What this daemon is."},
      choice<Role>({{"client", Role::client}, {"gateway", Role::gateway}}),
      [](auto& c) -> auto& { return c.role; });
  add(
      {"state_dir", "Where profiles, leases and the gateway's own key are kept."}, absolute_path(),
      [](auto& c) -> auto& { return c.state_dir; });
  add(
      {"log.level", "The least important messages to log.", Live::yes},
      choice<LogLevel>({{"error", LogLevel::error},
                        {"warn", LogLevel::warn},
                        {"info", LogLevel::info},
                        {"debug", LogLevel::debug}}),
      [](auto& c) -> auto& { return c.log.level; });
  add(
      {"log.format", "Lines for people or JSON objects, one a line."},
      choice<LogFormat>({{"text", LogFormat::text}, {"json", LogFormat::json}}),
      [](auto& c) -> auto& { return c.log.format; });
  add(
      {"control.socket", "The Unix socket that slopnctl talks to."}, absolute_path(),
      [](auto& c) -> auto& { return c.control.socket; });
  add(
      {"control.group",
       "Members of this group have the role operate: they may connect, disconnect and see "
       "everything. Empty: nobody has it by this key."},
      group_name(), [](auto& c) -> auto& { return c.control.group; });
  add(
      {"control.grants",
       "Who else may do what: a role (read, operate or admin, each with those before it) and the "
       "users, groups or uids that have it. Root and slopnd's own user are admin. In a variable: "
       "`operate=user:alice,read=group:staff,admin=uid:1000`.",
       Live::yes},
      list(grant(), "tables with role, and users, groups or uids"),
      [](auto& c) -> auto& { return c.control.grants; });
  add(
      {"transport.congestion_control",
       "What decides how fast to send. cubic and reno are slow on paths that lose packets."},
      choice<CongestionControl>({{"bbr", CongestionControl::bbr},
                                 {"cubic", CongestionControl::cubic},
                                 {"reno", CongestionControl::reno}}),
      [](auto& c) -> auto& { return c.transport.congestion_control; });
  add(
      {"transport.pacing",
       "Spread packets over time instead of sending what the window allows: less throughput, "
       "shorter queues at a narrow link."},
      boolean(), [](auto& c) -> auto& { return c.transport.pacing; });
  add(
      {"transport.socket_buffer_bytes", "Kernel buffer of each UDP socket, each direction."},
      integer<std::uint32_t>({65536, 1U << 30U}, "bytes"),
      [](auto& c) -> auto& { return c.transport.socket_buffer_bytes; });
}

void add_offloads(Keys& keys)
{
  const auto add = [&](KeyText text, auto place) {
    keys.push_back(make_key<Config>(std::move(text), boolean(), place));
  };
  add(
      {"offload.tun_tcp", "Exchange TCP super-packets with the host (TSO and GRO of the TUN)."},
      [](auto& c) -> auto& { return c.offload.tun_tcp; });
  add(
      {"offload.tun_udp", "The same for UDP (USO), where the kernel has it: Linux 6.2."},
      [](auto& c) -> auto& { return c.offload.tun_udp; });
  add(
      {"offload.udp_gso", "Send outer packets in trains (UDP_SEGMENT)."},
      [](auto& c) -> auto& { return c.offload.udp_gso; });
  add(
      {"offload.udp_gro", "Receive outer packets in trains (UDP_GRO)."},
      [](auto& c) -> auto& { return c.offload.udp_gro; });
}

void add_client(Keys& keys)
{
  const auto add = [&](KeyText text, auto codec, auto place) {
    keys.push_back(make_key<Config>(std::move(text), std::move(codec), place));
  };
  add(
      {"client.default_profile",
       "The profile to connect with when none is named. Empty: the only one there is."},
      maybe_empty(safe_name("profile name")),
      [](auto& c) -> auto& { return c.client.default_profile; });
  add(
      {"client.connect_on_start", "Connect as soon as the daemon runs."}, boolean(),
      [](auto& c) -> auto& { return c.client.connect_on_start; });
  add(
      {"client.lockdown", "Block traffic whenever there is no tunnel, whatever the settings say.",
       Live::yes},
      boolean(), [](auto& c) -> auto& { return c.client.lockdown; });
  add(
      {"client.interface_name", "Name of the tunnel interface."}, interface_name(),
      [](auto& c) -> auto& { return c.client.interface_name; });
  add(
      {"client.fwmark", "Mark on our own outer packets, which keeps them out of the tunnel."},
      mark(), [](auto& c) -> auto& { return c.client.fwmark; });
  add(
      {"client.routing_table", "Number of our own routing table."}, integer(kAnyMark),
      [](auto& c) -> auto& { return c.client.routing_table; });
  add(
      {"client.rule_priority", "Priority of our first routing rule; `main` has 32766."},
      integer<std::uint32_t>({1, 32000}), [](auto& c) -> auto& { return c.client.rule_priority; });
  add(
      {"client.max_mtu_bytes",
       "Largest inner MTU. The real one follows the path and may be smaller."},
      integer(kInnerMtu, "bytes"), [](auto& c) -> auto& { return c.client.max_mtu_bytes; });
  add(
      {"client.idle_timeout_s", "Silence after which the tunnel counts as lost."},
      duration<std::chrono::seconds>(kIdleTimeout, "seconds"),
      [](auto& c) -> auto& { return c.client.idle_timeout; });
  add(
      {"client.keep_alive_s", "Send something after so much silence. 0: never."},
      duration<std::chrono::seconds>(kKeepAlive, "seconds"),
      [](auto& c) -> auto& { return c.client.keep_alive; });
  add(
      {"client.retry.first_backoff_ms",
       "Wait before the second try to connect; doubles each time."},
      duration<std::chrono::milliseconds>({10, 60000}, "milliseconds"),
      [](auto& c) -> auto& { return c.client.retry.first_backoff; });
  add(
      {"client.retry.longest_backoff_s", "The longest wait between two tries."},
      duration<std::chrono::seconds>({1, 86400}, "seconds"),
      [](auto& c) -> auto& { return c.client.retry.longest_backoff; });
  add(
      {"client.retry.handshake_timeout_s", "A try that takes longer has failed."},
      duration<std::chrono::seconds>(kTimeout, "seconds"),
      [](auto& c) -> auto& { return c.client.retry.handshake_timeout; });
}

void add_gateway(Keys& keys)
{
  const auto add = [&](KeyText text, auto codec, auto place) {
    keys.push_back(make_key<Config>(std::move(text), std::move(codec), place));
  };
  add(
      {"gateway.listen", "Where clients reach the gateway."}, list(udp_endpoint(), "UDP endpoints"),
      [](auto& c) -> auto& { return c.gateway.listen; });
  add(
      {"gateway.hostnames",
       "Names and addresses this gateway answers to. Empty: to any. The first is put into the "
       "certificate that it makes for itself."},
      list(host(), "host names or IP addresses"),
      [](auto& c) -> auto& { return c.gateway.hostnames; });
  add(
      {"gateway.public_endpoint",
       "Where clients find the gateway from outside; goes into invitations."},
      maybe(host_port()), [](auto& c) -> auto& { return c.gateway.public_endpoint; });
  add(
      {"gateway.workers",
       "Threads that carry packets, between which clients are shared out. 0: one for each core."},
      integer<std::uint32_t>({0, kMaxWorkers}), [](auto& c) -> auto& { return c.gateway.workers; });
  add(
      {"gateway.tun_steering",
       "How a packet for a client finds the right worker: by a BPF program in the kernel, if it "
       "takes one, or off: the workers hand packets to each other, which is slower."},
      choice<TunSteering>({{"auto", TunSteering::automatic}, {"off", TunSteering::off}}),
      [](auto& c) -> auto& { return c.gateway.tun_steering; });
  add(
      {"gateway.interface_name", "Name of the tunnel interface."}, interface_name(),
      [](auto& c) -> auto& { return c.gateway.interface_name; });
  add(
      {"gateway.pools",
       "Inner addresses for clients; a client gets one of each family. The gateway itself takes "
       "the "
       "first of each prefix."},
      list(prefix(), "prefixes"), [](auto& c) -> auto& { return c.gateway.pools; });
  add(
      {"gateway.routes", "What clients are told they can reach through the gateway.", Live::yes},
      list(prefix(), "prefixes"), [](auto& c) -> auto& { return c.gateway.routes; });
  add(
      {"gateway.forbidden",
       "What no client reaches, whatever the routes say. The default is link-local addresses and "
       "the metadata services of clouds."},
      list(prefix(), "prefixes"), [](auto& c) -> auto& { return c.gateway.forbidden; });
  add(
      {"gateway.masquerade", "Hide clients behind the gateway's own addresses (NAT)."}, boolean(),
      [](auto& c) -> auto& { return c.gateway.masquerade; });
  add(
      {"gateway.client_to_client", "Let clients reach each other."}, boolean(),
      [](auto& c) -> auto& { return c.gateway.client_to_client; });
  add(
      {"gateway.max_mtu_bytes",
       "Largest inner MTU. The real one follows each client's path and may be smaller."},
      integer(kInnerMtu, "bytes"), [](auto& c) -> auto& { return c.gateway.max_mtu_bytes; });
  add(
      {"gateway.speedtest",
       "Let clients measure throughput and latency against this gateway (`slopnctl speedtest`, "
       "`slopnctl ping`), at its inner addresses."},
      boolean(), [](auto& c) -> auto& { return c.gateway.speedtest; });
  add(
      {"gateway.speedtest_port", "Port of that service, TCP and UDP, inside the tunnel."},
      integer<std::uint16_t>({1, 65535}),
      [](auto& c) -> auto& { return c.gateway.speedtest_port; });
  add(
      {"gateway.tls.certificate",
       "PEM file with the certificate chain. Empty: one is made on the first start and kept in "
       "`state_dir`."},
      absolute_path(), [](auto& c) -> auto& { return c.gateway.tls.certificate; });
  add(
      {"gateway.tls.private_key", "PEM file with the certificate's private key."}, absolute_path(),
      [](auto& c) -> auto& { return c.gateway.tls.private_key; });
}

void add_gateway_access(Keys& keys)
{
  const auto add = [&](KeyText text, auto codec, auto place) {
    text.live = Live::yes;
    keys.push_back(make_key<Config>(std::move(text), std::move(codec), place));
  };
  add(
      {"gateway.auth.anonymous", "Let anybody in, without any proof. For laboratories only."},
      boolean(), [](auto& c) -> auto& { return c.gateway.auth.anonymous; });
  add(
      {"gateway.auth.client",
       "The clients that may come in, beside those that `slopnctl gateway invite` added. In a "
       "variable: `name=key,name=key`."},
      list(known_client(), "tables with name and public_key or certificate_pin"),
      [](auto& c) -> auto& { return c.gateway.auth.clients; });
  add(
      {"gateway.limits.max_sessions", "Clients at a time."}, integer<std::uint32_t>({1, 1000000}),
      [](auto& c) -> auto& { return c.gateway.limits.max_sessions; });
  add(
      {"gateway.limits.max_handshakes",
       "Unfinished handshakes at a time, shared out between the workers; at the limit the oldest "
       "visitor makes room."},
      integer<std::uint32_t>({1, 1000000}),
      [](auto& c) -> auto& { return c.gateway.limits.max_handshakes; });
  add(
      {"gateway.limits.retry_threshold",
       "From so many unfinished handshakes on, a new one must first prove its address (Retry). "
       "0: always. Shared out between the workers."},
      integer<std::uint32_t>({0, 1000000}),
      [](auto& c) -> auto& { return c.gateway.limits.retry_threshold; });
  add(
      {"gateway.limits.handshake_timeout_s", "A handshake that takes longer has failed."},
      duration<std::chrono::seconds>(kTimeout, "seconds"),
      [](auto& c) -> auto& { return c.gateway.limits.handshake_timeout; });
  add(
      {"gateway.limits.idle_timeout_s", "Silence after which a session is ended."},
      duration<std::chrono::seconds>(kIdleTimeout, "seconds"),
      [](auto& c) -> auto& { return c.gateway.limits.idle_timeout; });
  add(
      {"gateway.limits.keep_alive_s", "Send something after so much silence. 0: clients do it."},
      duration<std::chrono::seconds>(kKeepAlive, "seconds"),
      [](auto& c) -> auto& { return c.gateway.limits.keep_alive; });
}

Schema<Config> make_schema()
{
  Keys keys;
  add_common(keys);
  add_offloads(keys);
  add_client(keys);
  add_gateway(keys);
  add_gateway_access(keys);
  return Schema<Config>{std::move(keys)};
}

}  // namespace

const Schema<Config>& config_schema()
{
  static const Schema<Config> schema = make_schema();
  return schema;
}

}  // namespace slopn::config
