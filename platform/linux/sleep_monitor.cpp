#include "platform/sleep_monitor.hpp"

#include <poll.h>
#include <systemd/sd-bus.h>

#include <boost/asio/cancel_after.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <limits>
#include <optional>
#include <utility>

#include "platform/linux/os_error.hpp"

namespace slopn::platform {
namespace {

constexpr const char* kService = "org.freedesktop.login1";
constexpr const char* kObject = "/org/freedesktop/login1";
constexpr const char* kInterface = "org.freedesktop.login1.Manager";
constexpr const char* kSignal = "PrepareForSleep";

struct CloseBus {
  void operator()(sd_bus* bus) const noexcept { sd_bus_close_unref(bus); }
};
using Bus = std::unique_ptr<sd_bus, CloseBus>;

// libsystemd returns negative errno values.
Error bus_error(int result, std::string_view operation)
{
  return os_error(-result, operation);
}

class LogindSleepMonitor final : public SleepMonitor {
 public:
  LogindSleepMonitor(asio::any_io_executor executor, Bus bus)
      : bus_(std::move(bus)), readiness_(executor), patience_(executor)
  {
  }
  // The descriptor belongs to the bus.
  ~LogindSleepMonitor() override
  {
    if (readiness_.is_open()) (void)readiness_.release();
  }

  // A match by the sender's well-known name: the bus vouches for who holds it.
  [[nodiscard]] Result<> subscribe()
  {
    const int matched = sd_bus_match_signal_async(bus_.get(), nullptr, kService, kObject,
                                                  kInterface, kSignal, &on_signal, nullptr, this);
    if (matched < 0) return bus_error(matched, "ask for news of sleep");
    boost::system::error_code ec;
    readiness_.assign(sd_bus_get_fd(bus_.get()), ec);
    if (ec) return fail(ec, "watch the system bus");
    return {};
  }

  asio::awaitable<Result<SleepEvent>> wait() override
  {
    for (;;) {
      for (int progress = 1; progress > 0;) {
        progress = sd_bus_process(bus_.get(), nullptr);
        if (progress < 0) co_return bus_error(progress, "talk to the system bus");
        if (event_) co_return *std::exchange(event_, std::nullopt);
      }
      const auto ready = co_await wait_ready();
      if (!ready) co_return ready.error();
    }
  }

 private:
  static int on_signal(sd_bus_message* message, void* monitor, sd_bus_error*) noexcept
  {
    int begins = 0;
    if (sd_bus_message_read(message, "b", &begins) < 0) return 0;  // not what logind sends
    static_cast<LogindSleepMonitor*>(monitor)->event_ =
        begins != 0 ? SleepEvent::falling_asleep : SleepEvent::woke_up;
    return 0;
  }

  // Until the bus wants to be served: there is something to read, room to write, or time is up
  // (while it connects).
  asio::awaitable<Result<>> wait_ready()
  {
    using Descriptor = asio::posix::stream_descriptor;
    const int events = sd_bus_get_events(bus_.get());
    if (events < 0) co_return bus_error(events, "watch the system bus");
    const bool write = (events & POLLOUT) != 0;
    const auto until = deadline();
    boost::system::error_code ec;
    if (until) {
      const auto left = *until - asio::steady_timer::clock_type::now();
      auto [waited] =
          co_await readiness_.async_wait(write ? Descriptor::wait_write : Descriptor::wait_read,
                                         asio::cancel_after(patience_, left, with_ec));
      ec = waited;
    } else {
      auto [waited] = co_await readiness_.async_wait(
          write ? Descriptor::wait_write : Descriptor::wait_read, with_ec);
      ec = waited;
    }
    const bool stop = co_await stop_requested();
    if (stop || (ec && !until)) co_return fail(asio::error::operation_aborted, "wait for sleep");
    co_return Result<>{};
  }

  [[nodiscard]] std::optional<asio::steady_timer::time_point> deadline() const
  {
    std::uint64_t until_us = 0;
    if (sd_bus_get_timeout(bus_.get(), &until_us) < 0 ||
        until_us == std::numeric_limits<std::uint64_t>::max())
      return std::nullopt;
    return asio::steady_timer::time_point{std::chrono::microseconds(until_us)};
  }

  Bus bus_;
  asio::posix::stream_descriptor readiness_;
  asio::steady_timer patience_;
  std::optional<SleepEvent> event_;
};

}  // namespace

Result<std::unique_ptr<SleepMonitor>> make_sleep_monitor(asio::any_io_executor executor)
{
  sd_bus* opened = nullptr;
  if (const int result = sd_bus_open_system(&opened); result < 0)
    return bus_error(result, "reach the system bus");
  auto made = std::make_unique<LogindSleepMonitor>(std::move(executor), Bus{opened});
  if (auto subscribed = made->subscribe(); !subscribed) return subscribed.error();
  return std::unique_ptr<SleepMonitor>{std::move(made)};
}

}  // namespace slopn::platform
