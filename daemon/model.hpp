#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/config/settings.hpp"
#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"
#include "libtunnel/core/tunnel_phase.hpp"

/// What the daemon tells about itself: plain values, made by the supervisor, turned into messages
/// by `daemon/control`. Neither side sees the other's types.
namespace slopn::daemon {

using WallClock = std::chrono::system_clock;

/// What kind of trouble an error is: enough to decide what to do about it.
enum class ErrorClass : std::uint8_t {
  network,         ///< No way to the gateway.
  authentication,  ///< The gateway does not know us, or is not who it should be.
  configuration,   ///< What we were told cannot work.
  system,          ///< This host refused something.
  protocol,        ///< The gateway broke the rules.
  internal,
};

/// An error as people and programs are told of it.
struct Problem {
  Error error;
  ErrorClass kind = ErrorClass::internal;
  std::string remedy;  ///< What to do about it, for people; may be empty.
};

/// Exactly one of these holds for a client; each carries only what is known in it.
struct Disconnected {
  std::optional<Problem> reason;  ///< Why it ended, unless somebody asked for it.
  bool locked = false;            ///< Lockdown: traffic is blocked until there is a tunnel.
};
struct Connecting {
  std::string profile;
  std::uint32_t attempt = 1;  ///< 1 for the first try.
  tunnel::Phase phase = tunnel::Phase::resolving;
  std::string gateway = {};  ///< Which of the profile's; empty while several are tried.
};
struct Connected {
  std::string profile;
  WallClock::time_point since;
  std::string gateway;  ///< As the profile names it.
  UdpEndpoint remote;
  std::string interface_name;
  std::uint16_t mtu_bytes = 0;
  std::vector<IpInterfaceAddress> addresses;
  std::vector<IpPrefix> routes;
  std::string cipher;              ///< "TLS_AES_128_GCM_SHA256"
  std::string key_exchange_group;  ///< "X25519MLKEM768"
  std::string authentication;      ///< "concealed", "certificate", "bearer" or "none"
  /// Where the gateway lets us measure, inside the tunnel (`libtunnel/measure`); empty: nowhere.
  std::vector<UdpEndpoint> measurement_endpoints;
  /// When a packet that the gateway had sealed was last seen.
  std::optional<WallClock::time_point> last_heard;
  /// Until when the connection must be confirmed; empty when nothing waits for it.
  std::optional<WallClock::time_point> confirm_until;
};
struct Reconnecting {
  std::string profile;
  Problem reason;
  std::uint32_t next_attempt = 1;
  WallClock::time_point retry_at;
};
struct Disconnecting {
  std::string profile;
};
/// Trying again would not help; somebody must do something, and then connect or disconnect.
struct Failed {
  std::string profile;
  Problem problem;
};
using ClientState =
    std::variant<Disconnected, Connecting, Connected, Reconnecting, Disconnecting, Failed>;

/// Packets that went nowhere, and why. Meanings: docs/counters.md.
struct DropCount {
  std::string reason;  ///< "foreign_source", "too_big", ...
  std::uint64_t packets = 0;
};

struct Traffic {
  std::uint64_t sent_packets = 0;  ///< Inner packets this daemon put into tunnels.
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_packets = 0;
  std::uint64_t received_bytes = 0;
  std::vector<DropCount> drops;  ///< Only reasons that occurred.
};

struct ClientStatus {
  ClientState state;
  Traffic traffic;
  std::optional<std::chrono::microseconds> smoothed_rtt;  ///< Outer path, while connected.
  bool traffic_blocked = false;  ///< What should go through the tunnel goes nowhere at present.
};

/// One client as the gateway sees it.
struct SessionInfo {
  std::uint64_t id = 0;  ///< Never used twice while the daemon runs.
  std::string client;    ///< Name from the config, or its key, or "anonymous".
  std::string identity;  ///< "ed25519:..." / "sha256:..." / "anonymous"
  UdpEndpoint remote;
  std::vector<IpInterfaceAddress> addresses;
  WallClock::time_point since;
  std::chrono::microseconds smoothed_rtt{0};
  Traffic traffic;
};

struct GatewayStatus {
  std::vector<UdpEndpoint> listening;
  std::string interface_name;
  std::uint16_t mtu_bytes = 0;
  std::string certificate_pin;  ///< "sha256:..."
  std::vector<IpPrefix> pools;
  std::uint64_t sessions = 0;
  bool anonymous_allowed = false;
  Traffic traffic;
};

using Status = std::variant<ClientStatus, GatewayStatus>;

/// A stored profile, without its secrets.
struct ProfileSummary {
  std::string name;
  std::string gateway;                     ///< "host:port"; the first of `gateways`.
  std::string authentication;              ///< As in `Connected`.
  std::string client_key;                  ///< The public key; empty unless concealed.
  std::string gateway_pin;                 ///< Empty when a CA decides.
  std::vector<std::string> gateways = {};  ///< All of them, in the order of preference.
};

/// What the user wants of this client.
struct SettingsReport {
  config::Settings settings;
  std::vector<config::SettingText> entries;  ///< The same, for people.
  std::string problem;  ///< Why the stored ones could not be read; empty if they could.
};

/// What a change of the settings led to.
struct SettingsChange {
  config::Settings settings;
  std::vector<std::string>
      takes_effect_later;  ///< Keys that the present connection does not notice.
};

/// What `gateway invite` made.
struct Invitation {
  std::string uri;         ///< "slopn://..."; holds the new client's private key if we made it.
  std::string public_key;  ///< "ed25519:..."
};

}  // namespace slopn::daemon
