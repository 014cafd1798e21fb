#include "libtunnel/io/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

namespace slopn::io {

TaskGroup::TaskGroup(asio::any_io_executor executor) : executor_(executor), ended_(executor)
{
  ended_.expires_at(asio::steady_timer::time_point::max());
}

void TaskGroup::spawn(asio::awaitable<void> task)
{
  const auto place = running_.emplace(running_.end());
  asio::co_spawn(executor_, std::move(task),
                 asio::bind_cancellation_slot(place->slot(), [this, place](std::exception_ptr bug) {
                   if (bug) std::terminate();
                   running_.erase(place);
                   ended_.cancel();
                 }));
}

void TaskGroup::cancel()
{
  // Emitting may end a task at once and take it off the list.
  for (auto place = running_.begin(); place != running_.end();) {
    asio::cancellation_signal& signal = *place++;
    signal.emit(asio::cancellation_type::terminal);
  }
}

asio::awaitable<void> TaskGroup::join()
{
  // Not interrupted by a cancellation of the caller: the tasks use what the caller owns.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  while (!running_.empty()) {
    [[maybe_unused]] const auto [ec] = co_await ended_.async_wait(with_ec);
  }
}

}  // namespace slopn::io
