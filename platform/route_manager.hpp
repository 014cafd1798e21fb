#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::platform {

/// Routing protocol numbers of slopn, see docs/decisions/0011-own-routing-protocol.md. A client and
/// a gateway may share a host, so they differ.
inline constexpr std::uint8_t kClientRoutingProtocol = 0x5e;
inline constexpr std::uint8_t kGatewayRoutingProtocol = 0x5f;

/// How the host's network is to look while a tunnel interface exists. The whole of it: what is
/// not listed is taken away again.
struct NetworkConfig {
  /// Empty: there is none. The policy then only refuses.
  std::string interface_name;
  std::uint16_t mtu_bytes = 1280;
  std::vector<IpInterfaceAddress> addresses;  ///< Of the tunnel interface.

  /// Policy routing, for a client: packets without `bypass_mark` look into `table` before `main`.
  struct Policy {
    std::uint32_t bypass_mark = 0;  ///< SO_MARK of our own outer packets: `main` or nothing. Not 0.
    std::uint32_t table = 0;        ///< Routing table of our own: none of 0, 253, 254, 255.
    /// Of the first of our three rules, which take the next two as well; lower is consulted
    /// earlier. 1 to 32763.
    std::uint32_t rule_priority = 0;
    std::vector<IpPrefix> through_tunnel;
    /// Never left to `main`: an IPv6 that is not tunnelled. A prefix that is also in
    /// `through_tunnel` is refused once the interface is gone.
    std::vector<IpPrefix> unreachable;
    /// Left to the rules after ours, as if our table had nothing for them. The longest prefix
    /// decides between this list and the others, and at the same length this one.
    std::vector<IpPrefix> outside = {};
    friend bool operator==(const Policy&, const Policy&) = default;
  };
  std::optional<Policy> policy;  ///< Absent on a gateway, whose pools are on-link routes.

  friend bool operator==(const NetworkConfig&, const NetworkConfig&) = default;
};

/// Owns addresses, MTU, routes and rules of the tunnel. Everything it makes in the kernel carries
/// our own routing protocol number, so that it can be found again without any memory of it.
///
/// On a host without IPv6 the IPv6 part of a configuration is left out; nothing of it can exist
/// there. The network namespace is the one in which the object was made.
class RouteManager {
 public:
  virtual ~RouteManager() = default;

  /// Makes the host look like `config`. May be called again with the same or another value, and
  /// after a crash; changes only what differs. On failure what was made so far stays until the
  /// next `apply()` or `restore()`. Errc::not_found if there is no such interface,
  /// Errc::invalid_argument for a configuration that no host can have.
  [[nodiscard]] virtual Result<> apply(const NetworkConfig& config) = 0;

  /// Removes all that any earlier run made. Works without an earlier `apply()`.
  [[nodiscard]] virtual Result<> restore() = 0;
};

struct RouteManagerOptions {
  /// Keeps what kernel switches were before us, for `restore()` after a crash. Without it only
  /// this object knows.
  std::filesystem::path state_dir = {};
  /// Marks what is ours in the kernel, 5 to 255. Two daemons in one network namespace need
  /// different numbers, or each takes the other's routes for its own leftovers.
  std::uint8_t routing_protocol = kClientRoutingProtocol;
};

[[nodiscard]] Result<std::unique_ptr<RouteManager>> make_route_manager(
    const RouteManagerOptions& options = {});

}  // namespace slopn::platform
