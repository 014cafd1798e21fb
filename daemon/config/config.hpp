#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/config/host_port.hpp"
#include "daemon/roles.hpp"
#include "libtunnel/base/ip.hpp"
#include "libtunnel/crypto/certificate.hpp"
#include "libtunnel/crypto/keys.hpp"

/// What slopnd is told by its file, its environment and its flags. Plain values with defaults; the
/// names, types, ranges and texts for people are in `schema.cpp`, one entry a key, and everything
/// else (reading, messages, `--help`, docs/configuration.md) is made from those entries.
namespace slopn::config {

enum class Role { client, gateway };
enum class LogLevel { error, warn, info, debug };
enum class LogFormat { text, json };
enum class CongestionControl { bbr, cubic, reno };
enum class TunSteering { automatic, off };

struct LogConfig {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
};

struct ControlConfig {
  std::filesystem::path socket = "/run/slopn/slopnd.sock";
  std::string group = "slopn";        ///< Its members have the role operate; empty: nobody has.
  std::vector<daemon::Grant> grants;  ///< Who else has which role; root and our own uid are admin.
};

/// How QUIC behaves on the outer path; the same for both roles.
struct TransportConfig {
  CongestionControl congestion_control = CongestionControl::bbr;
  bool pacing = false;                                  ///< See docs/decisions/0013.
  std::uint32_t socket_buffer_bytes = 7 * 1024 * 1024;  ///< Of each UDP socket, each direction.
};

/// What the kernel is asked to do for many packets at once. Each may be off: the tunnel then works
/// all the same, only slower.
struct OffloadConfig {
  bool tun_tcp = true;  ///< TSO and GRO between the host and us.
  bool tun_udp = true;  ///< USO and GRO of UDP there; Linux 6.2.
  bool udp_gso = true;  ///< UDP_SEGMENT on the outer path.
  bool udp_gro = true;  ///< UDP_GRO there.
};

struct RetryConfig {
  std::chrono::milliseconds first_backoff{500};
  std::chrono::seconds longest_backoff{60};
  std::chrono::seconds handshake_timeout{10};
};

struct ClientConfig {
  std::string default_profile;  ///< Taken when nobody names one; empty: the only one there is.
  bool connect_on_start = false;
  bool lockdown = false;  ///< Traffic is blocked whenever there is no tunnel.
  std::string interface_name = "slopn0";
  std::uint32_t fwmark = 0x736c6f70;         ///< SO_MARK of our outer packets; "slop".
  std::uint32_t routing_table = 0x736c6f70;  ///< Of our own; looked up before `main`.
  std::uint32_t rule_priority = 4200;        ///< Of the first of our rules; `main` has 32766.
  std::uint16_t max_mtu_bytes = 1438;        ///< Inner; what a 1500-byte IPv4 path can carry.
  std::chrono::seconds idle_timeout{30};
  std::chrono::seconds keep_alive{15};  ///< 0: none. Short enough for 30 s NAT bindings.
  RetryConfig retry;
};

struct TlsConfig {
  std::filesystem::path certificate;  ///< PEM chain. Both empty: made and kept in `state_dir`.
  std::filesystem::path private_key;  ///< PEM.
};

/// A client the gateway knows by name.
struct KnownClient {
  std::string name;
  std::variant<crypto::PublicKey, crypto::SpkiPin> identity;  ///< Concealed, or its certificate.
  friend bool operator==(const KnownClient&, const KnownClient&) = default;
};

struct AuthConfig {
  bool anonymous = false;  ///< Anyone may come in. For laboratories; warned about at every start.
  std::vector<KnownClient> clients;
};

struct LimitsConfig {
  std::uint32_t max_sessions = 1000;
  std::uint32_t max_handshakes = 1000;  ///< Unfinished ones at a time; then the oldest goes.
  std::uint32_t retry_threshold = 100;  ///< From so many on, new ones must prove their address.
  std::chrono::seconds handshake_timeout{10};
  std::chrono::seconds idle_timeout{60};
  std::chrono::seconds keep_alive{0};  ///< 0: none, clients keep their path alive.
};

struct GatewayConfig {
  GatewayConfig();  ///< Fills the lists with their defaults.

  std::vector<UdpEndpoint> listen;          ///< 0.0.0.0:443 and [::]:443.
  std::vector<std::string> hostnames;       ///< Names and addresses we answer to; empty: any.
  std::optional<HostPort> public_endpoint;  ///< What invitations name.
  std::uint32_t workers = 0;                ///< Threads of the data path; 0: one for each core.
  TunSteering tun_steering = TunSteering::automatic;
  std::string interface_name = "slopn0";
  std::vector<IpPrefix> pools;      ///< Inner addresses for clients; the first of each is ours.
  std::vector<IpPrefix> routes;     ///< What clients are told they reach through us.
  std::vector<IpPrefix> forbidden;  ///< What no client reaches: metadata services, link-local.
  bool masquerade = true;
  bool client_to_client = false;
  std::uint16_t max_mtu_bytes = 1438;
  bool speedtest = true;  ///< Clients may measure their tunnel against us.
  std::uint16_t speedtest_port = 5202;
  TlsConfig tls;
  AuthConfig auth;
  LimitsConfig limits;
};

struct Config {
  Role role = Role::client;
  std::filesystem::path state_dir = "/var/lib/slopn";
  LogConfig log;
  ControlConfig control;
  TransportConfig transport;
  OffloadConfig offload;
  ClientConfig client;
  GatewayConfig gateway;
};

[[nodiscard]] std::string_view to_string(Role role) noexcept;
[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;

}  // namespace slopn::config
