#pragma once

#include <optional>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "platform/tun_device.hpp"

namespace slopn::platform {

/// Tells the kernel which queue of a TUN gets the packets for an inner address; packets for others
/// go to the first one. Lives as long as somebody calls it, also without its interface.
class TunSteering {
 public:
  virtual ~TunSteering() = default;

  /// `queue` counts from 0. Errors: the table is full; then packets for `address` come to the first.
  [[nodiscard]] virtual Result<> assign(const IpAddress& address, std::size_t queue) = 0;
  /// Unknown addresses are ignored.
  virtual void withdraw(const IpAddress& address) = 0;
};

/// One TUN interface that several threads read and write, each through a queue of its own.
struct TunQueues {
  /// One for each executor, in that order. The interface goes with the last of them.
  std::vector<std::unique_ptr<TunDevice>> devices;
  /// nullptr: not asked for, or refused. Then the kernel chooses, so that a flow tends to stay
  /// with the queue that last wrote a packet of it.
  std::unique_ptr<TunSteering> steering;
  std::optional<Error> steering_refused;  ///< Why, if it was asked for.
};

/// Like `open_tun()`, with a queue for each of `executors`, of which there is at least one.
/// `steered_addresses`: how many the steering can know at a time; 0: no steering. A steering that
/// the kernel refuses is no error.
[[nodiscard]] Result<TunQueues> open_tun_queues(
    std::span<const boost::asio::any_io_executor> executors, const TunOptions& options,
    std::size_t steered_addresses);

}  // namespace slopn::platform
