#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>

#include "daemon/control/access.hpp"
#include "libtunnel/base/async.hpp"
#include "libtunnel/base/clock.hpp"
#include "libtunnel/base/unique_fd.hpp"

namespace slopn::control {

struct WaitingLimits {
  std::chrono::milliseconds patience{5000};
  std::size_t of_user = 64;
  std::size_t all = 256;  ///< Of all users but root together.
};

/// Where callers are until their first byte comes: whoever only connects costs a descriptor for a
/// short time and nothing of gRPC. When it is full, the one that waits longest goes. Only on the
/// control thread.
class WaitingRoom {
 public:
  /// Called for each caller that has said something.
  using Admit = std::function<void(UniqueFd socket, const Peer& peer)>;

  WaitingRoom(asio::any_io_executor executor, WaitingLimits limits, Admit admit)
      : limits_(limits), admit_(std::move(admit)), timer_(std::move(executor))
  {
  }
  ~WaitingRoom() { clear(); }

  /// Admits the caller at once if it has said something already.
  void add(UniqueFd socket, Peer peer);

  /// Closes all.
  void clear();

  [[nodiscard]] std::size_t size() const noexcept { return callers_.size(); }

 private:
  struct Waiting {
    asio::posix::stream_descriptor socket;
    Peer peer;
    Clock::time_point until;
  };
  using Callers = std::list<std::shared_ptr<Waiting>>;  // shared with the handler that waits

  void make_room(uid_t uid);
  void on_readable(const std::shared_ptr<Waiting>& caller);
  void set_timer();

  const WaitingLimits limits_;
  const Admit admit_;
  asio::steady_timer timer_;
  Callers callers_;  // in the order in which they came
  bool timing_ = false;
  std::shared_ptr<int> here_ = std::make_shared<int>();  // for a handler that comes too late
};

}  // namespace slopn::control
