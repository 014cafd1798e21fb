#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "libtunnel/base/async.hpp"
#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::platform {

/// How packets leave the host for one destination.
struct LocalPath {
  IpAddress address;  ///< What the system would choose as their source.
  std::uint32_t interface_index = 0;
  std::string interface_name;
  friend bool operator==(const LocalPath&, const LocalPath&) = default;
};

/// Tells when the host's network changes, and what way packets would take now. It keeps no picture
/// of the network: whoever hears of a change asks, so no lost message can make it wrong.
class NetworkMonitor {
 public:
  virtual ~NetworkMonitor() = default;

  /// Waits until links, addresses, routes or rules have changed since the last call. Changes that
  /// happened meanwhile count as one; cancelling completes with `operation_aborted`.
  [[nodiscard]] virtual asio::awaitable<Result<>> wait_change() = 0;

  /// The way of packets with this SO_MARK (0: none); nullopt when there is none: no route, a route
  /// that refuses, an interface without a carrier.
  [[nodiscard]] virtual Result<std::optional<LocalPath>> path_to(const IpAddress& destination,
                                                                 std::uint32_t mark) = 0;
};

/// Watches the network namespace that is current now.
[[nodiscard]] Result<std::unique_ptr<NetworkMonitor>> make_network_monitor(
    asio::any_io_executor executor);

}  // namespace slopn::platform
