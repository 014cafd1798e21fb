#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::platform {

/// How the host's network is to look while a tunnel interface exists. The whole of it: what is
/// not listed is taken away again.
struct NetworkConfig {
  std::string interface_name;
  std::uint16_t mtu_bytes = 1280;
  std::vector<IpInterfaceAddress> addresses;  ///< Of the tunnel interface.

  /// Policy routing, for a client: packets without `bypass_mark` look into `table` before `main`.
  struct Policy {
    std::uint32_t bypass_mark = 0;   ///< SO_MARK of our own outer packets: those use `main`.
    std::uint32_t table = 0;         ///< Routing table of our own.
    std::uint32_t rule_priority = 0; ///< Of the first of our rules; lower is consulted earlier.
    std::vector<IpPrefix> through_tunnel;
    std::vector<IpPrefix> unreachable;  ///< Never left to `main`: an IPv6 that is not tunnelled.
    friend bool operator==(const Policy&, const Policy&) = default;
  };
  std::optional<Policy> policy;  ///< Absent on a gateway, whose pools are on-link routes.

  friend bool operator==(const NetworkConfig&, const NetworkConfig&) = default;
};

/// Owns addresses, MTU, routes and rules of the tunnel. Everything it makes in the kernel carries
/// our own routing protocol number, so that it can be found again without any memory of it.
class RouteManager {
 public:
  virtual ~RouteManager() = default;

  /// Makes the host look like `config`. May be called again with the same or another value, and
  /// after a crash; changes only what differs. On failure what was made so far stays until the
  /// next `apply()` or `restore()`.
  [[nodiscard]] virtual Result<> apply(const NetworkConfig& config) = 0;

  /// Removes all that any earlier run made. Works without an earlier `apply()`.
  [[nodiscard]] virtual Result<> restore() = 0;
};

[[nodiscard]] Result<std::unique_ptr<RouteManager>> make_route_manager();

}  // namespace slopn::platform
