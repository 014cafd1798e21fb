#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "libtunnel/base/async.hpp"
#include "libtunnel/base/clock.hpp"

namespace slopn::io {

/// An alarm clock that can be set again while somebody waits for it, cheaply: a later time is only
/// noted, and looked at when the earlier one has passed.
///
/// It rings up to a granularity late, and never sooner than that from when it was set. QUIC's timers
/// need no better (RFC 9002 section 6.1.2 recommends 1 ms); on a short path acknowledgements would
/// otherwise leave by themselves microseconds before the answer that could carry them.
class Alarm {
 public:
  static constexpr Clock::duration kGranularity = std::chrono::milliseconds(1);

  explicit Alarm(asio::any_io_executor executor) : timer_(std::move(executor)) {}

  /// For pacing, whose intervals are shorter: to the microsecond.
  void be_precise(bool precise) noexcept
  {
    granularity_ = precise ? Clock::duration::zero() : kGranularity;
  }

  /// Rings at `when`, whatever was set before; `Clock::time_point::max()` is never.
  void set(Clock::time_point when);

  /// Waits until it rings; false when cancelled. One waiter at a time.
  [[nodiscard]] asio::awaitable<bool> wait();

 private:
  asio::steady_timer timer_;
  Clock::duration granularity_ = kGranularity;
  Clock::time_point when_ = Clock::time_point::max();
  Clock::time_point armed_for_ = Clock::time_point::max();
};

}  // namespace slopn::io
