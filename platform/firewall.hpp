#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::platform {

/// What a gateway wants of packet filter and forwarding.
struct GatewayRules {
  std::string tunnel_interface;
  std::vector<IpPrefix> pools;      ///< Inner addresses of the clients, both families.
  bool masquerade = true;           ///< Hide the pools behind the gateway's outer addresses.
  bool client_to_client = false;    ///< Let clients talk to each other.
  std::vector<IpPrefix> forbidden;  ///< Destinations no client may reach (metadata services).
  /// The gateway's own inner addresses, as far as they lie outside of the pools.
  std::vector<IpAddress> tunnel_addresses;
  /// What clients may reach on the gateway itself, beside pings: TCP and UDP at its inner addresses.
  std::vector<UdpEndpoint> services;

  friend bool operator==(const GatewayRules&, const GatewayRules&) = default;
};

/// Owns one nftables table of our own and the forwarding switches of the kernel.
///
/// Only packets from or to the tunnel interface and the pools are judged. Clients may ping the
/// gateway, use its `services` and open connections to elsewhere, except to `forbidden`, to one another (unless
/// `client_to_client`) and to TCP port 25. Nobody outside may open one to a client, speak as one,
/// or reach the tunnel's own addresses. What other tables forbid stays forbidden.
class Firewall {
 public:
  virtual ~Firewall() = default;

  /// Replaces our table in one transaction and turns forwarding on. May be called again.
  [[nodiscard]] virtual Result<> apply(const GatewayRules& rules) = 0;

  /// Removes our table and puts the forwarding switches back as the first `apply()` of any run
  /// found them. Works after a crash.
  [[nodiscard]] virtual Result<> restore() = 0;
};

struct FirewallOptions {
  /// Keeps what the kernel's switches were before us, for `restore()` after a crash.
  std::filesystem::path state_dir = {};
  /// Two gateways in one network namespace need different names: letters, digits, `_`; at most 15.
  std::string table = "slopn";
};

[[nodiscard]] Result<std::unique_ptr<Firewall>> make_firewall(const FirewallOptions& options);
[[nodiscard]] Result<std::unique_ptr<Firewall>> make_firewall(
    const std::filesystem::path& state_dir);

}  // namespace slopn::platform
