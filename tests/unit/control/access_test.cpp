#include "daemon/control/access.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <fstream>

#include "tests/unit/control/fake_daemon.hpp"

namespace {

using namespace slopn;
using control::Peer;
using control::role_of;
using daemon::Grant;
using daemon::Role;

constexpr uid_t kStranger = 54'321;

/// Runs `check` in a process that sees the given user database; true when it says so.
/// nullopt where mounting is not possible.
template <class Check>
std::optional<bool> with_database(const std::string& passwd, const std::string& group, Check check)
{
  const test::TemporaryDir dir{0755};
  std::ofstream{dir.path() / "passwd"} << passwd;
  std::ofstream{dir.path() / "group"} << group;
  const pid_t child = ::fork();
  if (child == 0) {
    const bool mounted =
        ::unshare(CLONE_NEWNS) == 0 &&
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        ::mount((dir.path() / "passwd").c_str(), "/etc/passwd", nullptr, MS_BIND, nullptr) == 0 &&
        ::mount((dir.path() / "group").c_str(), "/etc/group", nullptr, MS_BIND, nullptr) == 0;
    ::_exit(!mounted ? 2 : check() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) return std::nullopt;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("access: root and the daemon's own user are admin, whatever was granted",
          "[unit][control]")
{
  CHECK(role_of(Peer{.uid = 0, .gid = 77}, {}) == Role::admin);
  CHECK(role_of(Peer{.uid = ::geteuid(), .gid = 77}, {{.role = Role::read, .uids = {0}}}) ==
        Role::admin);
}

TEST_CASE("access: without a grant nobody else may do anything", "[unit][control]")
{
  const Peer stranger{.uid = kStranger, .gid = kStranger};
  CHECK(role_of(stranger, {}) == Role::none);
  CHECK(role_of(stranger, {{.role = Role::admin, .groups = {"no-such-group"}}}) == Role::none);
  CHECK(role_of(stranger, {{.role = Role::admin, .users = {"no-such-user", ""}}}) == Role::none);
  CHECK(role_of(stranger, {{.role = Role::admin, .uids = {kStranger + 1}}}) == Role::none);
  CHECK(role_of(stranger, control::with_group({}, "")) == Role::none);
}

TEST_CASE("access: a grant by uid counts, and of several the highest", "[unit][control]")
{
  const Peer caller{.uid = kStranger, .gid = kStranger};
  const Grant read{.role = Role::read, .uids = {1, kStranger}};
  const Grant operate{.role = Role::operate, .uids = {kStranger}};
  CHECK(role_of(caller, {read}) == Role::read);
  CHECK(role_of(caller, {read, operate}) == Role::operate);
  CHECK(role_of(caller, {operate, read}) == Role::operate);
}

TEST_CASE("access: a member of the group may operate", "[unit][control]")
{
  const auto group = control::find_group("nogroup");
  if (!group) SKIP("this system has no group 'nogroup'");
  const auto grants = control::with_group({}, "nogroup");
  CHECK(role_of(Peer{.uid = kStranger, .gid = *group}, grants) == Role::operate);
  CHECK(role_of(Peer{.uid = kStranger, .gid = 1, .groups = {3, *group, 5}}, grants) ==
        Role::operate);
  CHECK(role_of(Peer{.uid = kStranger, .gid = 1, .groups = {3, 5}}, grants) == Role::none);
}

TEST_CASE("access: the socket's file lets everyone connect only if others than the group may call",
          "[unit][control]")
{
  using control::SocketAccess;
  const auto access = [](const Grant& grant) { return control::access_for({grant}, "slopn"); };
  CHECK(control::access_for({}, "slopn") == SocketAccess::group);
  CHECK(access({.role = Role::admin, .groups = {"slopn"}}) == SocketAccess::group);
  CHECK(access({.role = Role::read, .groups = {"slopn", "staff"}}) == SocketAccess::everyone);
  CHECK(access({.role = Role::read, .users = {"ann"}}) == SocketAccess::everyone);
  CHECK(access({.role = Role::read, .uids = {1000}}) == SocketAccess::everyone);
}

TEST_CASE("access: membership follows the system's user database", "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to show another user database");
  const std::string passwd =
      "root:x:0:0::/root:/bin/sh\n"
      "ann:x:2001:2001::/:/bin/sh\n"
      "bob:x:2002:2002::/:/bin/sh\n"
      "cat:x:2003:900::/:/bin/sh\n";
  const std::string group = "root:x:0:\nslopn:x:900:dora,ann\nann:x:2001:\nbob:x:2002:\n";
  const auto right = with_database(passwd, group, [] {
    const auto by_group = control::with_group({}, "slopn");
    const auto by_name = std::vector<Grant>{{.role = Role::read, .users = {"bob"}}};
    return role_of(Peer{.uid = 2001, .gid = 2001}, by_group) == Role::operate &&  // in the list
           role_of(Peer{.uid = 2002, .gid = 2002}, by_group) == Role::none &&
           role_of(Peer{.uid = 2003, .gid = 2003}, by_group) == Role::operate &&  // primary group
           role_of(Peer{.uid = 2002, .gid = 2002}, by_name) == Role::read &&
           role_of(Peer{.uid = 2001, .gid = 2001}, by_name) == Role::none &&
           control::user_name(2002) == "bob" && control::user_name(4711).empty();
  });
  if (!right) SKIP("mount namespaces are not available");
  CHECK(*right);
}

TEST_CASE("access: a user of very many groups is found in the last of them", "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to show another user database");
  std::string group = "root:x:0:\n";
  for (int i = 0; i < 300; ++i) {
    group += "g" + std::to_string(i) + ":x:" + std::to_string(3000 + i) + ":ann\n";
  }
  group += "slopn:x:900:";
  for (int i = 0; i < 2000; ++i) group += "member" + std::to_string(i) + ",";
  group += "ann\n";
  const auto right =
      with_database("root:x:0:0::/root:/bin/sh\nann:x:2001:2001::/:/bin/sh\n", group, [] {
        return role_of(Peer{.uid = 2001, .gid = 1}, control::with_group({}, "slopn")) ==
               Role::operate;
      });
  if (!right) SKIP("mount namespaces are not available");
  CHECK(*right);
}

TEST_CASE("access: the kernel says who is at the other end", "[unit][control]")
{
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const UniqueFd one{ends[0]};
  const UniqueFd other{ends[1]};
  const auto peer = control::peer_of(one.get());
  REQUIRE(peer);
  CHECK(peer->uid == ::geteuid());
  CHECK(peer->gid == ::getegid());
  CHECK(peer->pid == ::getpid());

  const UniqueFd alone{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  CHECK_FALSE(control::peer_of(alone.get()));
}
