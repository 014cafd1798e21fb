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

template <class T>
bool contains(const std::vector<T>& values, const T& wanted)
{
  return std::find(values.begin(), values.end(), wanted) != values.end();
}

/// All groups of `user` by the system's user database.
std::vector<gid_t> groups_of(const User& user)
{
  std::vector<gid_t> groups(kUsualGroups);
  auto count = static_cast<int>(groups.size());
  while (::getgrouplist(user.name.c_str(), user.primary_group, groups.data(), &count) < 0) {
    const std::size_t longer = std::max(static_cast<std::size_t>(count), groups.size() * 2);
    if (longer > kMostGroups) return {};
    groups.resize(longer);
    count = static_cast<int>(groups.size());
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

/// What a grant can be about: one caller, looked up once.
struct Identity {
  uid_t uid;
  std::optional<User> user;
  std::vector<gid_t> groups;
};

Identity identify(const Peer& peer)
{
  Identity identity{peer.uid, find_user(peer.uid), peer.groups};
  identity.groups.push_back(peer.gid);
  if (identity.user) {
    const auto more = groups_of(*identity.user);
    identity.groups.insert(identity.groups.end(), more.begin(), more.end());
  }
  return identity;
}

bool covers(const daemon::Grant& grant, const Identity& identity)
{
  if (contains(grant.uids, identity.uid)) return true;
  if (identity.user && contains(grant.users, identity.user->name)) return true;
  return std::any_of(grant.groups.begin(), grant.groups.end(), [&](const std::string& name) {
    const auto group = find_group(name);
    return group && contains(identity.groups, *group);
  });
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

std::string user_name(uid_t uid)
{
  const auto user = find_user(uid);
  return user ? user->name : std::string{};
}

bool is_always_admin(uid_t uid) noexcept
{
  return uid == 0 || uid == ::geteuid();
}

daemon::Role role_of(const Peer& peer, const std::vector<daemon::Grant>& grants)
{
  if (is_always_admin(peer.uid)) return daemon::Role::admin;
  const Identity identity = identify(peer);
  daemon::Role role = daemon::Role::none;
  for (const auto& grant : grants) {
    if (grant.role > role && covers(grant, identity)) role = grant.role;
  }
  return role;
}

std::vector<daemon::Grant> with_group(std::vector<daemon::Grant> grants, const std::string& group)
{
  if (!group.empty()) grants.push_back({.role = daemon::Role::operate, .groups = {group}});
  return grants;
}

SocketAccess access_for(const std::vector<daemon::Grant>& grants, const std::string& group)
{
  const bool for_others = std::any_of(grants.begin(), grants.end(), [&](const auto& grant) {
    return !grant.users.empty() || !grant.uids.empty() ||
           std::any_of(grant.groups.begin(), grant.groups.end(),
                       [&](const std::string& name) { return name != group; });
  });
  return for_others ? SocketAccess::everyone : SocketAccess::group;
}

}  // namespace slopn::control
