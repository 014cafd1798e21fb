#include "platform/sleep_monitor.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <boost/asio/cancel_after.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <thread>

#include "tests/support/temporary_dir.hpp"

namespace slopn::platform {
namespace {

using namespace std::chrono_literals;

constexpr const char* kVariable = "DBUS_SYSTEM_BUS_ADDRESS";

// A message bus of the test's own, in place of the system's.
class OwnBus {
 public:
  OwnBus()
  {
    if (::access("/usr/bin/dbus-daemon", X_OK) != 0) SKIP("there is no dbus-daemon");
    const auto socket = folder_ / "bus";
    address_ = "unix:path=" + socket.string();
    const auto config = folder_ / "bus.conf";
    std::ofstream{config} << "<busconfig><listen>" << address_
                          << "</listen><auth>EXTERNAL</auth><policy context=\"default\">"
                             "<allow send_destination=\"*\"/><allow own=\"*\"/>"
                             "<allow receive_sender=\"*\"/></policy></busconfig>";
    const std::string option = "--config-file=" + config.string();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execl("/usr/bin/dbus-daemon", "dbus-daemon", option.c_str(), "--nofork", nullptr);
      ::_exit(127);
    }
    for (int tries = 0; tries < 500 && ::access(socket.c_str(), F_OK) != 0; ++tries)
      std::this_thread::sleep_for(10ms);
    ::setenv(kVariable, address_.c_str(), 1);
  }
  OwnBus(const OwnBus&) = delete;
  OwnBus& operator=(const OwnBus&) = delete;
  ~OwnBus()
  {
    ::unsetenv(kVariable);
    end();
  }
  void end()
  {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  test::TemporaryDir folder_;
  std::string address_;
  pid_t pid_ = -1;
};

// Somebody on the bus who says that the host sleeps.
class Speaker {
 public:
  explicit Speaker(const char* name)
  {
    REQUIRE(sd_bus_open_system(&bus_) >= 0);
    if (name != nullptr) REQUIRE(sd_bus_request_name(bus_, name, 0) >= 0);
  }
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;
  ~Speaker() { sd_bus_flush_close_unref(bus_); }

  void say(bool begins)
  {
    REQUIRE(sd_bus_emit_signal(bus_, "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
                               "PrepareForSleep", "b", static_cast<int>(begins)) >= 0);
    REQUIRE(sd_bus_flush(bus_) >= 0);
  }
  void say_nonsense()
  {
    REQUIRE(sd_bus_emit_signal(bus_, "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
                               "PrepareForSleep", "s", "good night") >= 0);
    REQUIRE(sd_bus_flush(bus_) >= 0);
  }

 private:
  sd_bus* bus_ = nullptr;
};

struct Listener {
  asio::io_context io;
  std::unique_ptr<SleepMonitor> monitor = make();

  std::unique_ptr<SleepMonitor> make()
  {
    auto made = make_sleep_monitor(io.get_executor());
    if (!made) FAIL(made.error().message());
    return std::move(*made);
  }
  // The next event; nullopt when there is none in time.
  std::optional<Result<SleepEvent>> next(std::chrono::milliseconds limit = 2s)
  {
    std::optional<Result<SleepEvent>> got;
    asio::co_spawn(io, take_next(*monitor, got),
                   asio::cancel_after(limit, [](std::exception_ptr) {}));
    io.restart();
    io.run();
    return got;
  }
  static asio::awaitable<void> take_next(SleepMonitor& monitor,
                                         std::optional<Result<SleepEvent>>& got)
  {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto event = co_await monitor.wait();
    const bool stop = co_await stop_requested();
    if (!stop) got = std::move(event);
  }
  bool hears(SleepEvent wanted)
  {
    const auto got = next();
    return got && *got && **got == wanted;
  }
};

}  // namespace

TEST_CASE("sleep monitor: hears logind, both before and after", "[netns][platform][dbus]")
{
  const OwnBus bus;
  Listener listener;
  CHECK_FALSE(listener.next(300ms).has_value());
  Speaker logind{"org.freedesktop.login1"};
  logind.say(true);
  CHECK(listener.hears(SleepEvent::falling_asleep));
  logind.say(false);
  CHECK(listener.hears(SleepEvent::woke_up));
}

TEST_CASE("sleep monitor: logind may come later, and again", "[netns][platform][dbus]")
{
  const OwnBus bus;
  Listener listener;
  CHECK_FALSE(listener.next(300ms).has_value());
  for (int i = 0; i < 3; ++i) {
    Speaker logind{"org.freedesktop.login1"};
    logind.say(false);
    CHECK(listener.hears(SleepEvent::woke_up));
  }
}

TEST_CASE("sleep monitor: nobody else is believed, and no nonsense", "[netns][platform][dbus]")
{
  const OwnBus bus;
  Listener listener;
  CHECK_FALSE(listener.next(300ms).has_value());
  Speaker impostor{nullptr};
  Speaker logind{"org.freedesktop.login1"};
  impostor.say(false);
  logind.say_nonsense();
  CHECK_FALSE(listener.next(300ms).has_value());
  logind.say(true);
  CHECK(listener.hears(SleepEvent::falling_asleep));
}

TEST_CASE("sleep monitor: without a bus there is none", "[netns][platform][dbus]")
{
  ::setenv(kVariable, "unix:path=/nowhere/bus", 1);
  asio::io_context io;
  CHECK_FALSE(make_sleep_monitor(io.get_executor()).has_value());
  ::unsetenv(kVariable);
}

TEST_CASE("sleep monitor: a bus that ends is an error, not a hang", "[netns][platform][dbus]")
{
  OwnBus bus;
  Listener listener;
  CHECK_FALSE(listener.next(300ms).has_value());
  bus.end();
  const auto got = listener.next();
  REQUIRE(got.has_value());
  CHECK_FALSE(got->has_value());
}

}  // namespace slopn::platform
