#include "libtunnel/io/alarm.hpp"

namespace slopn::io {

void Alarm::set(Clock::time_point when)
{
  when_ = when;
  if (when < armed_for_) timer_.cancel();
}

asio::awaitable<bool> Alarm::wait()
{
  for (;;) {
    const bool stop = co_await stop_requested();
    if (stop) co_return false;
    if (when_ <= Clock::now()) {
      when_ = Clock::time_point::max();
      co_return true;
    }
    armed_for_ = when_;
    timer_.expires_at(armed_for_);
    // Why it woke does not matter: all is looked at again.
    [[maybe_unused]] const auto [ec] = co_await timer_.async_wait(with_ec);
    armed_for_ = Clock::time_point::min();
  }
}

}  // namespace slopn::io
