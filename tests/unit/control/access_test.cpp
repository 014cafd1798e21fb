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
using control::why_refused;

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

TEST_CASE("access: root and the daemon's own user may always call", "[unit][control]")
{
  CHECK_FALSE(why_refused(Peer{.uid = 0, .gid = 77}, ""));
  CHECK_FALSE(why_refused(Peer{.uid = ::geteuid(), .gid = 77}, "no-such-group-anywhere"));
}

TEST_CASE("access: without the group only root is named as a way in", "[unit][control]")
{
  const auto refusal = why_refused(Peer{.uid = kStranger, .gid = kStranger}, "no-such-group");
  REQUIRE(refusal);
  CHECK(*refusal == "uid 54321 may not control slopnd: run as root");
}

TEST_CASE("access: a member of the group may call", "[unit][control]")
{
  const auto group = control::find_group("nogroup");
  if (!group) SKIP("this system has no group 'nogroup'");
  CHECK_FALSE(why_refused(Peer{.uid = kStranger, .gid = *group}, "nogroup"));
  CHECK_FALSE(why_refused(Peer{.uid = kStranger, .gid = 1, .groups = {3, *group, 5}}, "nogroup"));
  CHECK(why_refused(Peer{.uid = kStranger, .gid = 1, .groups = {3, 5}}, "nogroup"));
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
    const bool ann = !why_refused(Peer{.uid = 2001, .gid = 2001}, "slopn");  // in the list
    const auto bob = why_refused(Peer{.uid = 2002, .gid = 2002}, "slopn");
    const bool cat = !why_refused(Peer{.uid = 2003, .gid = 2003}, "slopn");  // primary group
    return ann && cat &&
           bob ==
               "uid 2002 may not control slopnd: run as root or add the user to group slopn "
               "(usermod -aG slopn bob) and log in again";
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
      with_database("root:x:0:0::/root:/bin/sh\nann:x:2001:2001::/:/bin/sh\n", group,
                    [] { return !why_refused(Peer{.uid = 2001, .gid = 1}, "slopn"); });
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
