#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

#include "libtunnel/base/async.hpp"

namespace slopn::io {

/// Coroutines that end together. Whoever starts them here waits for their end with `join()`; the
/// group must not be destroyed before. All calls belong on its executor.
class TaskGroup {
 public:
  explicit TaskGroup(asio::any_io_executor executor);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task`. It begins with `throw_if_cancelled(false)` like every spawned coroutine, and an
  /// exception that leaves it is a bug that ends the program.
  void spawn(asio::awaitable<void> task);

  /// Asks all to stop.
  void cancel();

  /// Waits until none is left, also of those that are spawned meanwhile.
  [[nodiscard]] asio::awaitable<void> join();

  [[nodiscard]] bool empty() const noexcept { return running_.empty(); }

 private:
  asio::any_io_executor executor_;
  asio::steady_timer ended_;  // its expiry never comes; cancelled when a task ends
  std::list<asio::cancellation_signal> running_;
};

}  // namespace slopn::io
