#include "daemon/service/service_reporter.hpp"

#include <spdlog/logger.h>

#include <chrono>
#include <utility>

#include "libtunnel/base/clock.hpp"

namespace slopn::daemon {
namespace {

// How often within the time that the service manager waits; one may be lost or late.
constexpr int kSignsOfLife = 3;
// Without a watchdog the turns only keep the status line of a gateway fresh.
constexpr auto kStatusPeriod = std::chrono::seconds(10);

template <class State>
constexpr std::string_view name_of()
{
  if constexpr (std::is_same_v<State, Disconnected>) return "Disconnected";
  if constexpr (std::is_same_v<State, Connecting>) return "Connecting";
  if constexpr (std::is_same_v<State, Connected>) return "Connected";
  if constexpr (std::is_same_v<State, Reconnecting>) return "Reconnecting";
  if constexpr (std::is_same_v<State, Disconnecting>) return "Disconnecting";
  return "Failed";
}

// No profile: it is often named after the gateway's address.
std::string text_of(const ClientStatus& client)
{
  return std::visit(
      [](const auto& state) { return std::string{name_of<std::decay_t<decltype(state)>>()}; },
      client.state);
}

std::string text_of(const GatewayStatus& gateway)
{
  return "Gateway with " + std::to_string(gateway.sessions) +
         (gateway.sessions == 1 ? " session" : " sessions");
}

}  // namespace

std::string service_status_text(const Status& status)
{
  return std::visit([](const auto& role) { return text_of(role); }, status);
}

ServiceReporter::ServiceReporter(asio::any_io_executor control, Commands& commands,
                                 platform::ServiceNotifier& notifier, spdlog::logger& log)
    : commands_(commands), notifier_(notifier), log_(log), timer_(std::move(control))
{
}

ServiceReporter::~ServiceReporter() = default;

void ServiceReporter::ready()
{
  if (stopping_) return;
  told_status_ = service_status_text(commands_.status());
  notifier_.notify("READY=1\nSTATUS=" + told_status_);
  if (beating_) return;
  beating_ = true;
  subscription_ = commands_.on_status_change([this] { tell_status(); });
  ask_workers();
}

void ServiceReporter::reloading()
{
  if (stopping_) return;
  // systemd 253 and later want to know when, to tell this reload from an earlier one.
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
      Clock::now().time_since_epoch());  // CLOCK_MONOTONIC
  notifier_.notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void ServiceReporter::stopping()
{
  if (stopping_) return;
  stopping_ = true;
  subscription_.reset();
  timer_.cancel();
  notifier_.notify("STOPPING=1\nSTATUS=Stopping");
}

void ServiceReporter::tell_status()
{
  std::string text = service_status_text(commands_.status());
  if (stopping_ || text == told_status_) return;
  told_status_ = std::move(text);
  notifier_.notify("STATUS=" + told_status_);
}

void ServiceReporter::wait_for_turn()
{
  const auto timeout = notifier_.watchdog_timeout();
  timer_.expires_after(timeout ? *timeout / kSignsOfLife
                               : std::chrono::microseconds{kStatusPeriod});
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec || stopping_) return;
    if (asked_) log_.warn("service: the data path has not answered since the last turn");
    ask_workers();
  });
}

void ServiceReporter::ask_workers()
{
  if (!std::exchange(asked_, true)) {
    commands_.refresh_status([this, alive = std::weak_ptr<const bool>{alive_}] {
      if (!alive.expired()) on_workers_answered();
    });
  }
  wait_for_turn();
}

void ServiceReporter::on_workers_answered()
{
  asked_ = false;
  if (stopping_) return;
  if (notifier_.watchdog_timeout()) notifier_.notify("WATCHDOG=1");
  tell_status();
}

}  // namespace slopn::daemon
