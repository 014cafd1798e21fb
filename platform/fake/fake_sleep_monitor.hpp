#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <utility>

#include "platform/sleep_monitor.hpp"

namespace slopn::platform {

/// A system that sleeps when the test says so.
class FakeSleepMonitor final : public SleepMonitor {
 public:
  explicit FakeSleepMonitor(asio::any_io_executor executor) : told_(std::move(executor))
  {
    told_.expires_at(asio::steady_timer::time_point::max());
  }

  [[nodiscard]] asio::awaitable<Result<SleepEvent>> wait() override
  {
    while (events_.empty()) {
      [[maybe_unused]] const auto [ec] = co_await told_.async_wait(with_ec);
      const bool stop = co_await stop_requested();
      if (stop) co_return fail(asio::error::operation_aborted, "wait for sleep");
    }
    const SleepEvent event = events_.front();
    events_.pop_front();
    co_return event;
  }

  void announce(SleepEvent event)
  {
    events_.push_back(event);
    told_.cancel();
  }

 private:
  asio::steady_timer told_;  // its expiry never comes; cancelled when there is something to tell
  std::deque<SleepEvent> events_;
};

}  // namespace slopn::platform
