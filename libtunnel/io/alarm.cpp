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
    if (cancelled(co_await asio::this_coro::cancellation_state)) co_return false;
    if (when_ <= Clock::now()) {
      when_ = Clock::time_point::max();
      co_return true;
    }
    armed_for_ = when_;
    timer_.expires_at(armed_for_);
    co_await timer_.async_wait(with_ec);  // why it woke does not matter: all is looked at again
    armed_for_ = Clock::time_point::min();
  }
}

}  // namespace slopn::io
