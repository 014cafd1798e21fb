#include "platform/service_notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "libtunnel/base/unique_fd.hpp"
#include "tests/support/temporary_dir.hpp"

namespace slopn::platform {
namespace {

/// The service manager's end.
class Manager {
 public:
  /// A path, or "@name".
  explicit Manager(const std::string& name)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  }

  /// The next message; empty when there is none.
  std::string heard() const
  {
    std::array<char, 512> text{};
    const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), 0);
    return size > 0 ? std::string{text.data(), static_cast<std::size_t>(size)} : std::string{};
  }

 private:
  UniqueFd socket_;
};

void set(const char* name, const std::string& value)
{
  REQUIRE(::setenv(name, value.c_str(), 1) == 0);
}

}  // namespace

TEST_CASE("service notifier: speaks to the socket that the environment names", "[unit][service]")
{
  const test::TemporaryDir dir;
  for (const std::string& name :
       {(dir / "notify").string(), "@slopn-test-" + std::to_string(::getpid())}) {
    INFO(name);
    const Manager manager{name};
    set("NOTIFY_SOCKET", name);
    const auto notifier = make_service_notifier();
    notifier->notify("READY=1\nSTATUS=here");
    CHECK(manager.heard() == "READY=1\nSTATUS=here");
    CHECK(std::getenv("NOTIFY_SOCKET") == nullptr);
    CHECK_FALSE(notifier->watchdog_timeout());
  }
}

TEST_CASE("service notifier: is silent without a service manager", "[unit][service]")
{
  for (const std::string& address :
       {std::string{}, std::string{"@"}, std::string{"/"}, std::string{"relative/path"},
        std::string{"/no/such/socket"}, std::string{"vsock:2:1234"}, "/" + std::string(200, 'x')}) {
    set("NOTIFY_SOCKET", address);
    make_service_notifier()->notify("READY=1");  // neither fails nor waits
  }
}

TEST_CASE("service notifier: knows how often a sign of life is wanted", "[unit][service]")
{
  const test::TemporaryDir dir;
  const auto timeout = [&](const std::string& microseconds, const std::string& pid) {
    set("NOTIFY_SOCKET", (dir / "notify").string());
    set("WATCHDOG_USEC", microseconds);
    set("WATCHDOG_PID", pid);
    return make_service_notifier()->watchdog_timeout();
  };
  CHECK(timeout("30000000", "") == std::chrono::seconds(30));
  CHECK(timeout("30000000", std::to_string(::getpid())) == std::chrono::seconds(30));
  CHECK_FALSE(timeout("30000000", "1"));  // meant for another process
  for (const char* nonsense : {"", "0", "-1", "30s", "99999999999999999999999"})
    CHECK_FALSE(timeout(nonsense, ""));
}

TEST_CASE("service notifier: wants no sign of life where nobody listens", "[unit][service]")
{
  ::unsetenv("NOTIFY_SOCKET");
  set("WATCHDOG_USEC", "30000000");
  ::unsetenv("WATCHDOG_PID");
  CHECK_FALSE(make_service_notifier()->watchdog_timeout());
}

}  // namespace slopn::platform
