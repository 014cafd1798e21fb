#include "libtunnel/io/alarm.hpp"

#include <algorithm>

namespace slopn::io {

void Alarm::set(Clock::time_point when)
{
  when_ = when;
  if (when < armed_for_ && Clock::now() + granularity_ < armed_for_) timer_.cancel();
}

asio::awaitable<bool> Alarm::wait()
{
  for (;;) {
    const bool stop = co_await stop_requested();
    if (stop) co_return false;
    const Clock::time_point now = Clock::now();
    if (when_ <= now && now >= armed_for_) {
      when_ = Clock::time_point::max();
      armed_for_ = Clock::time_point::max();
      co_return true;
    }
    armed_for_ = std::max(when_, now + granularity_);
    timer_.expires_at(armed_for_);
    // Why it woke does not matter: all is looked at again.
    [[maybe_unused]] const auto [ec] = co_await timer_.async_wait(with_ec);
  }
}

}  // namespace slopn::io
