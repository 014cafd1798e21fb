#include "daemon/control/connections.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace slopn::control {
namespace {

constexpr std::uint32_t kUnknownGroup = static_cast<std::uint32_t>(-1);

/// 0 for a closed descriptor and for anything but a socket.
std::uint64_t socket_inode(int fd)
{
  struct statx info {};
  const int failed = ::statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO, &info);
  return failed == 0 && S_ISSOCK(info.stx_mode) ? info.stx_ino : 0;
}

}  // namespace

void Connections::add(int fd, const daemon::Caller& caller, Kind kind)
{
  entries_.insert_or_assign(fd, Entry{socket_inode(fd), caller, kind});
}

Connections::Count Connections::count(uid_t uid)
{
  std::erase_if(entries_,
                [](const auto& item) { return socket_inode(item.first) != item.second.inode; });
  Count count;
  std::vector<pollfd> sockets;
  for (const auto& [fd, entry] : entries_) sockets.push_back({fd, POLLRDHUP, 0});
  (void)::poll(sockets.data(), sockets.size(), 0);
  for (const pollfd& socket : sockets) {
    const Entry& entry = entries_.at(socket.fd);
    if ((socket.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
      ++count.dying;
      continue;
    }
    if (entry.kind != Kind::served) {
      ++count.refused;
      continue;
    }
    if (entry.caller.uid == uid) ++count.of_user;
    if (entry.caller.uid != 0) ++count.of_non_root;
  }
  return count;
}

bool Connections::has_served(uid_t uid) const
{
  return std::any_of(entries_.begin(), entries_.end(), [uid](const auto& item) {
    return item.second.kind != Kind::refused && item.second.caller.uid == uid;
  });
}

daemon::Caller Connections::find(std::string_view peer, uid_t uid) const
{
  constexpr std::string_view kPrefix = "fd:";
  int fd = -1;
  if (peer.starts_with(kPrefix)) {
    std::from_chars(peer.data() + kPrefix.size(), peer.data() + peer.size(), fd);
  }
  const auto found = entries_.find(fd);
  if (found != entries_.end() && found->second.kind != Kind::refused &&
      found->second.caller.uid == uid) {
    return found->second.caller;
  }
  return {.uid = uid, .gid = kUnknownGroup, .pid = 0};
}

}  // namespace slopn::control
