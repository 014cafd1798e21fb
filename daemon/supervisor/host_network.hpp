#pragma once

#include <memory>

#include "daemon/config/config.hpp"
#include "libtunnel/core/tunnel_fsm.hpp"
#include "platform/route_manager.hpp"

namespace slopn::daemon {

/// The one place that changes what may leave the host, and knows what may at present. Routes and
/// rules of our own do it; a packet filter belongs here too.
///
/// On the control thread. Each call replaces what the one before has made, without a moment in
/// which neither holds; when it fails, what it has made so far stays.
class HostNetwork {
 public:
  explicit HostNetwork(std::unique_ptr<platform::RouteManager> routes) : routes_(std::move(routes))
  {
  }

  /// Takes all of ours away, also what an earlier run left.
  [[nodiscard]] Result<> open();
  /// Lets nothing leave but our own packets, and what is never tunnelled: `outside`. Needs no
  /// interface, and none may be ours any more.
  [[nodiscard]] Result<> block(const config::ClientConfig& config,
                               const std::vector<IpPrefix>& outside = {});
  /// As a tunnel needs it.
  [[nodiscard]] Result<> tunnel(const platform::NetworkConfig& network);

  /// What the kernel does now, as far as we have told it.
  [[nodiscard]] tunnel::Guard guard() const noexcept { return guard_; }

 private:
  std::unique_ptr<platform::RouteManager> routes_;
  tunnel::Guard guard_ = tunnel::Guard::open;
};

}  // namespace slopn::daemon
