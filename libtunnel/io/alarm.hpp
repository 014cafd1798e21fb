#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "libtunnel/base/async.hpp"
#include "libtunnel/base/clock.hpp"

namespace slopn::io {

/// An alarm clock that can be set again while somebody waits for it, cheaply: a later time is only
/// noted, and looked at when the earlier one has passed.
class Alarm {
 public:
  explicit Alarm(asio::any_io_executor executor) : timer_(std::move(executor)) {}

  /// Rings at `when`, whatever was set before; `Clock::time_point::max()` is never.
  void set(Clock::time_point when);

  /// Waits until it rings; false when cancelled. One waiter at a time.
  [[nodiscard]] asio::awaitable<bool> wait();

 private:
  asio::steady_timer timer_;
  Clock::time_point when_ = Clock::time_point::max();
  Clock::time_point armed_for_ = Clock::time_point::max();
};

}  // namespace slopn::io
