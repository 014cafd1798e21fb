#include "daemon/control/unix_listener.hpp"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <thread>

#include "tests/unit/control/client.hpp"
#include "tests/unit/control/fake_daemon.hpp"

namespace {

using namespace slopn;
using control::UnixListener;
namespace fs = std::filesystem;

/// A folder as /run/slopn is, with the socket's path in it.
struct Place {
  test::TemporaryDir root{0755};
  fs::path dir = root.path() / "slopn";
  fs::path socket = dir / "slopnd.sock";
  Place() { fs::create_directory(dir); }
  [[nodiscard]] Result<UnixListener> open(std::string group = {}) const
  {
    return UnixListener::open({.socket_path = socket, .group = std::move(group)});
  }
};

mode_t mode_of(const fs::path& path)
{
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
}

/// What a daemon that was killed leaves behind: a socket nobody listens on.
void leave_stale_socket(const fs::path& path)
{
  const UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

}  // namespace

TEST_CASE("listener: makes its folder for all to enter and the socket for its owner",
          "[unit][control]")
{
  const Place place;
  fs::remove(place.dir);
  const mode_t before = ::umask(0077);
  const auto listener = place.open();
  ::umask(before);
  REQUIRE(listener.has_value());
  CHECK(mode_of(place.dir) == 0755);
  CHECK(mode_of(place.socket) == 0600);
  CHECK_FALSE(listener->group_may_connect());
  CHECK_FALSE(fs::exists(UnixListener::private_folder_for(place.socket)));
}

TEST_CASE("listener: gives the socket to the group", "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to give files away");
  const Place place;
  const auto listener = place.open("nogroup");
  REQUIRE(listener.has_value());
  struct stat info {};
  REQUIRE(::lstat(place.socket.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0660U);
  CHECK(info.st_uid == 0);
  CHECK(info.st_gid == 65'534);
  CHECK(listener->group_may_connect());
}

TEST_CASE("listener: an unknown group leaves the socket with its owner", "[unit][control]")
{
  const Place place;
  const auto listener = place.open("no-such-group-anywhere");
  REQUIRE(listener.has_value());
  CHECK(mode_of(place.socket) == 0600);
  CHECK_FALSE(listener->group_may_connect());
}

TEST_CASE("listener: the socket is never seen with loose rights", "[unit][control]")
{
  const Place place;
  const fs::path hidden = UnixListener::private_folder_for(place.socket);
  std::atomic<bool> done{false};
  std::atomic<unsigned> seen{0};
  std::atomic<unsigned> loose{0};
  std::thread observer{[&] {
    while (!done) {
      const mode_t mode = mode_of(place.socket);
      if (mode != 0) ++seen;
      if (mode != 0 && mode != 0600) ++loose;
      const mode_t folder = mode_of(hidden);
      if (folder != 0 && folder != 0700) ++loose;
      if ((mode_of(hidden / "socket") & 0177U) != 0) ++loose;
    }
  }};
  const mode_t before = ::umask(0);  // the worst there can be
  for (int i = 0; i < 300; ++i) CHECK(place.open().has_value());
  ::umask(before);
  done = true;
  observer.join();
  CHECK(loose == 0);
}

TEST_CASE("listener: callers may connect at once, and are gone with it", "[unit][control]")
{
  const Place place;
  {
    const auto listener = place.open();
    REQUIRE(listener.has_value());
    CHECK(test::connect_socket(place.socket));
  }
  CHECK_FALSE(fs::exists(place.socket));
  CHECK_FALSE(test::connect_socket(place.socket));
}

TEST_CASE("listener: replaces a socket that nobody listens on", "[unit][control]")
{
  const Place place;
  leave_stale_socket(place.socket);
  fs::create_directory(
      UnixListener::private_folder_for(place.socket));  // and what a crash in the middle leaves
  leave_stale_socket(UnixListener::private_folder_for(place.socket) / "socket");

  const auto listener = place.open();
  REQUIRE(listener.has_value());
  CHECK(test::connect_socket(place.socket));
}

TEST_CASE("listener: a second daemon is told who is the first", "[unit][control]")
{
  const Place place;
  const auto first = place.open();
  REQUIRE(first.has_value());
  const auto second = place.open();
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::busy);
  CHECK(second.error().context ==
        "another slopnd is running (pid " + std::to_string(::getpid()) + ")");
  CHECK(test::connect_socket(place.socket));  // the first one's socket is as it was
}

TEST_CASE("listener: a live socket without our lock is left alone", "[unit][control]")
{
  const Place place;
  auto first = place.open();
  REQUIRE(first.has_value());
  fs::remove(place.dir / "slopnd.lock");
  const auto second = place.open();
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::busy);
  CHECK(second.error().context.find("pid " + std::to_string(::getpid())) != std::string::npos);
}

TEST_CASE("listener: refuses what is no socket in its place, and leaves it there",
          "[unit][control]")
{
  const Place place;
  const fs::path elsewhere = place.dir / "precious";
  std::ofstream{elsewhere} << "data";
  std::string expected;
  SECTION("a file")
  {
    fs::copy(elsewhere, place.socket);
    expected = " is not a socket; remove it";
  }
  SECTION("a symbolic link to a file")
  {
    fs::create_symlink(elsewhere, place.socket);
    expected = " is a symbolic link; remove it";
  }
  SECTION("a symbolic link to nothing")
  {
    fs::create_symlink(place.dir / "nothing", place.socket);
    expected = " is a symbolic link; remove it";
  }
  SECTION("a folder")
  {
    fs::create_directory(place.socket);
    expected = " is not a socket; remove it";
  }
  const auto listener = place.open();
  REQUIRE_FALSE(listener.has_value());
  CHECK(listener.error().code == Errc::already_exists);
  CHECK(listener.error().context == place.socket.string() + expected);
  CHECK(fs::exists(fs::symlink_status(place.socket)));
  CHECK(fs::exists(elsewhere));
}

TEST_CASE("listener: a symbolic link in place of the lock is not followed", "[unit][control]")
{
  const Place place;
  const fs::path victim = place.dir / "victim";
  std::ofstream{victim} << "data";
  fs::create_symlink(victim, place.dir / "slopnd.lock");
  CHECK_FALSE(place.open().has_value());
  CHECK(fs::file_size(victim) == 4);
}

TEST_CASE("listener: refuses a folder to which others may write", "[unit][control]")
{
  const Place place;
  for (const mode_t mode : {0777U, 0775U, 01777U}) {
    ::chmod(place.dir.c_str(), mode);
    const auto listener = place.open();
    REQUIRE_FALSE(listener.has_value());
    CHECK(listener.error().code == Errc::platform_denied);
    CHECK(listener.error().context.find("chmod go-w") != std::string::npos);
  }
}

TEST_CASE("listener: refuses a folder of somebody else", "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to give files away");
  const Place place;
  REQUIRE(::chown(place.dir.c_str(), 54'321, 0) == 0);
  const auto listener = place.open();
  REQUIRE_FALSE(listener.has_value());
  CHECK(listener.error().code == Errc::platform_denied);
  CHECK(listener.error().context.find("54321") != std::string::npos);
}

TEST_CASE("listener: says that a path is relative or too long for a socket", "[unit][control]")
{
  const Place place;
  for (const fs::path& path : {place.dir / std::string(120, 'x'), fs::path{"slopnd.sock"},
                               fs::path{"a/slopnd.sock"}, fs::path{}}) {
    const auto listener = UnixListener::open({.socket_path = path, .group = ""});
    REQUIRE_FALSE(listener.has_value());
    CHECK(listener.error().code == Errc::invalid_argument);
  }
}

TEST_CASE("listener: does not remove a socket that somebody else put there", "[unit][control]")
{
  const Place place;
  {
    const auto listener = place.open();
    REQUIRE(listener.has_value());
    fs::remove(place.socket);
    leave_stale_socket(place.socket);
  }
  CHECK(fs::exists(place.socket));
}

TEST_CASE("listener: can be moved, and removes the socket once", "[unit][control]")
{
  const Place place;
  auto listener = place.open();
  REQUIRE(listener.has_value());
  {
    const UnixListener moved = std::move(*listener);
    CHECK(test::connect_socket(place.socket));
  }
  CHECK_FALSE(fs::exists(place.socket));
  const auto again = place.open();
  CHECK(again.has_value());
}

TEST_CASE("listener: once closed nobody connects, and no other daemon starts", "[unit][control]")
{
  const Place place;
  {
    auto listener = place.open();
    REQUIRE(listener.has_value());
    listener->close();
    CHECK_FALSE(fs::exists(place.socket));
    CHECK_FALSE(test::connect_socket(place.socket));
    const auto too_early = place.open();
    REQUIRE_FALSE(too_early.has_value());
    CHECK(too_early.error().code == Errc::busy);
  }
  CHECK(place.open().has_value());
}
