#include "daemon/control/waiting_room.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace slopn::control {
namespace {

bool is_readable(int fd)
{
  pollfd socket{fd, POLLIN, 0};
  return ::poll(&socket, 1, 0) > 0;
}

/// False for a caller that has gone without a word.
bool has_said_something(int fd)
{
  char byte = 0;
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}  // namespace

void WaitingRoom::add(UniqueFd socket, Peer peer)
{
  if (is_readable(socket.get())) {
    if (has_said_something(socket.get())) admit_(std::move(socket), peer);
    return;
  }
  make_room(peer.uid);
  auto caller =
      std::make_shared<Waiting>(Waiting{asio::posix::stream_descriptor{timer_.get_executor()},
                                        std::move(peer), Clock::now() + limits_.patience});
  boost::system::error_code ec;
  caller->socket.assign(socket.get(), ec);
  if (ec) return;  // the kernel watches no more descriptors for us
  (void)socket.release();
  callers_.push_back(caller);
  caller->socket.async_wait(
      asio::posix::stream_descriptor::wait_read,
      [this, weak = std::weak_ptr{caller}](const boost::system::error_code& failed) {
        // Whoever is closed here is forgotten too, and so is everybody when the room goes.
        if (const auto one = weak.lock(); one && !failed && one->socket.is_open()) on_readable(one);
      });
  set_timer();
}

void WaitingRoom::clear()
{
  timer_.cancel();
  timing_ = false;
  here_ = std::make_shared<int>();
  callers_.clear();
}

void WaitingRoom::make_room(uid_t uid)
{
  const auto is_of_user = [uid](const auto& one) { return one->peer.uid == uid; };
  const auto is_of_others = [](const auto& one) { return one->peer.uid != 0; };
  const auto count = [&](auto which) {
    return static_cast<std::size_t>(std::count_if(callers_.begin(), callers_.end(), which));
  };
  if (count(is_of_user) >= limits_.of_user) {
    callers_.erase(std::find_if(callers_.begin(), callers_.end(), is_of_user));
  } else if (uid != 0 && count(is_of_others) >= limits_.all) {
    callers_.erase(std::find_if(callers_.begin(), callers_.end(), is_of_others));
  }
}

void WaitingRoom::on_readable(const std::shared_ptr<Waiting>& caller)
{
  callers_.remove(caller);
  UniqueFd socket{caller->socket.release()};
  if (has_said_something(socket.get())) admit_(std::move(socket), caller->peer);
}

void WaitingRoom::set_timer()
{
  if (timing_ || callers_.empty()) return;
  timing_ = true;
  timer_.expires_at(callers_.front()->until);
  timer_.async_wait([this, here = std::weak_ptr{here_}](const boost::system::error_code& ec) {
    if (ec || here.expired()) return;
    timing_ = false;
    const auto now = Clock::now();
    while (!callers_.empty() && callers_.front()->until <= now) callers_.pop_front();
    set_timer();
  });
}

}  // namespace slopn::control
