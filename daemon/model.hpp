#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

/// What the daemon tells about itself: plain values, made by the supervisor, turned into messages
/// by `daemon/control`. Neither side sees the other's types.
namespace slopn::daemon {

using WallClock = std::chrono::system_clock;

/// Exactly one of these holds for a client; each carries only what is known in it.
struct Disconnected {
  std::optional<Error> reason;  ///< Why it ended, unless somebody asked for it.
  std::string remedy;           ///< What to do about `reason`; for people.
};
struct Connecting {
  std::string profile;
  std::uint32_t attempt = 1;  ///< 1 for the first try.
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
};
struct Reconnecting {
  std::string profile;
  Error reason;
  std::uint32_t next_attempt = 1;
  WallClock::time_point retry_at;
};
struct Disconnecting {
  std::string profile;
};
using ClientState = std::variant<Disconnected, Connecting, Connected, Reconnecting, Disconnecting>;

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
  std::string gateway;         ///< "host:port"
  std::string authentication;  ///< As in `Connected`.
  std::string client_key;      ///< The public key; empty unless concealed.
  std::string gateway_pin;     ///< Empty when a CA decides.
};

/// What `gateway invite` made.
struct Invitation {
  std::string uri;         ///< "slopn://..."; holds the new client's private key if we made it.
  std::string public_key;  ///< "ed25519:..."
};

}  // namespace slopn::daemon
