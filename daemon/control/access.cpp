#include "daemon/control/access.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace slopn::control {
namespace {

constexpr std::size_t kFirstBuffer = 4 * 1024;
constexpr std::size_t kLongestBuffer = 4 * 1024 * 1024;  // groups with very many members
constexpr std::size_t kUsualGroups = 64;
constexpr std::size_t kMostGroups = 65'536;  // Linux allows no more per process

struct User {
  std::string name;
  gid_t primary_group = 0;
};

std::optional<User> find_user(uid_t uid)
{
  std::vector<char> buffer(kFirstBuffer);
  passwd entry{};
  passwd* found = nullptr;
  while (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < kLongestBuffer) {
    buffer.resize(buffer.size() * 2);
  }
  if (found == nullptr) return std::nullopt;
  return User{entry.pw_name, entry.pw_gid};
}

bool contains(const std::vector<gid_t>& groups, gid_t wanted)
{
  return std::find(groups.begin(), groups.end(), wanted) != groups.end();
}

bool is_member(const User& user, gid_t wanted)
{
  std::vector<gid_t> groups(kUsualGroups);
  auto count = static_cast<int>(groups.size());
  while (::getgrouplist(user.name.c_str(), user.primary_group, groups.data(), &count) < 0) {
    const std::size_t longer = std::max(static_cast<std::size_t>(count), groups.size() * 2);
    if (longer > kMostGroups) return false;
    groups.resize(longer);
    count = static_cast<int>(groups.size());
  }
  groups.resize(static_cast<std::size_t>(count));
  return contains(groups, wanted);
}

}  // namespace

std::optional<gid_t> find_group(const std::string& name)
{
  if (name.empty()) return std::nullopt;
  std::vector<char> buffer(kFirstBuffer);
  group entry{};
  group* found = nullptr;
  while (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < kLongestBuffer) {
    buffer.resize(buffer.size() * 2);
  }
  if (found == nullptr) return std::nullopt;
  return entry.gr_gid;
}

std::optional<Peer> peer_of(int socket_fd)
{
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0 ||
      credentials.pid == 0) {
    return std::nullopt;
  }
  Peer peer{credentials.uid, credentials.gid, credentials.pid};

  peer.groups.resize(kUsualGroups);
  size = static_cast<socklen_t>(peer.groups.size() * sizeof(gid_t));
  int answer = ::getsockopt(socket_fd, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size);
  if (answer < 0 && errno == ERANGE) {  // then `size` says how much it takes
    peer.groups.resize(size / sizeof(gid_t));
    answer = ::getsockopt(socket_fd, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size);
  }
  peer.groups.resize(answer == 0 ? size / sizeof(gid_t) : 0);
  return peer;
}

std::optional<std::string> why_refused(const Peer& peer, const std::string& group)
{
  if (peer.uid == 0 || peer.uid == ::geteuid()) return std::nullopt;

  const auto wanted = find_group(group);
  const auto user = find_user(peer.uid);
  if (wanted) {
    if (peer.gid == *wanted || contains(peer.groups, *wanted)) return std::nullopt;
    if (user && is_member(*user, *wanted)) return std::nullopt;
  }

  const std::string name = user ? user->name : "NAME";
  std::string text = "uid " + std::to_string(peer.uid) + " may not control slopnd: run as root";
  if (wanted) {
    text += " or add the user to group " + group + " (usermod -aG " + group + " " + name +
            ") and log in again";
  }
  return text;
}

}  // namespace slopn::control
