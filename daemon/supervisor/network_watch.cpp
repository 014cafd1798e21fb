#include "daemon/supervisor/network_watch.hpp"

#include <spdlog/logger.h>

#include <utility>

#include "platform/host_clocks.hpp"

namespace slopn::daemon {
namespace {

// Events are taken in handfuls: a host whose routes change without end costs little this way.
constexpr auto kBetweenReads = std::chrono::milliseconds(20);
constexpr auto kBetweenClockReadings = std::chrono::seconds(2);
// Until the bus is asked for again, should it have been restarted or come late.
constexpr auto kBetweenBusTries = std::chrono::minutes(1);
constexpr auto kLately = std::chrono::seconds(10);
// Clocks and logind tell of the same sleep; so do the lines in the log.
constexpr auto kSameSleep = std::chrono::seconds(5);

std::chrono::milliseconds in_ms(std::chrono::nanoseconds duration)
{
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration);
}

}  // namespace

NetworkWatch::Parts NetworkWatch::parts_of_host(asio::any_io_executor control, spdlog::logger& log)
{
  Parts parts;
  auto network = platform::make_network_monitor(control);
  if (network)
    parts.network = std::move(*network);
  else
    log.warn("network: changes are not seen ({})", network.error().message());
  parts.listen_for_sleep = [control] { return platform::make_sleep_monitor(control); };
  parts.read_clocks = [] {
    const platform::HostClocks clocks = platform::read_host_clocks();
    return ClockReading{clocks.running, clocks.passing, clocks.wall};
  };
  return parts;
}

NetworkWatch::NetworkWatch(asio::any_io_executor control, Parts parts,
                           NetworkWatchListener& listener, std::shared_ptr<spdlog::logger> log)
    : control_(control),
      parts_(std::move(parts)),
      listener_(listener),
      log_(std::move(log)),
      clock_watch_({.period = kBetweenClockReadings}),
      look_again_(control),
      tasks_(control)
{
  if (parts_.network) {
    tasks_.spawn(watch_network());
    tasks_.spawn(pace_looks());
  }
  if (parts_.read_clocks) tasks_.spawn(watch_clocks());
  if (parts_.listen_for_sleep) tasks_.spawn(watch_sleep());
}

void NetworkWatch::follow(std::vector<IpAddress> gateways, std::uint32_t mark)
{
  // Addresses for documentation (RFC 5737, RFC 3849): only a default route leads there.
  if (gateways.empty())
    gateways = {IpAddress::v4({192, 0, 2, 1}),
                IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})};
  question_ = Question{std::move(gateways), mark};
  known_ = parts_.network && ask(path_);
}

bool NetworkWatch::take_recent_change() noexcept
{
  const auto changed_at = std::exchange(changed_at_, std::nullopt);
  return has_way() && changed_at && Clock::now() - *changed_at < kLately;
}

asio::awaitable<void> NetworkWatch::stop()
{
  tasks_.cancel();
  co_await tasks_.join();
}

// False when it is time to stop.
asio::awaitable<bool> NetworkWatch::pause(Clock::duration duration)
{
  asio::steady_timer timer{control_, duration};
  [[maybe_unused]] const auto [ec] = co_await timer.async_wait(with_ec);
  const bool stop = co_await stop_requested();
  co_return !stop;
}

asio::awaitable<void> NetworkWatch::watch_network()
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const auto changed = co_await parts_.network->wait_change();
    const bool stop = co_await stop_requested();
    if (stop) co_return;
    if (!changed) {
      log_->warn("network: changes are not seen any more ({})", changed.error().message());
      co_return;
    }
    pacer_.on_event(Clock::now());
    look_again_.cancel();
    const bool go_on = co_await pause(kBetweenReads);
    if (!go_on) co_return;
  }
}

asio::awaitable<void> NetworkWatch::pace_looks()
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    look_again_.expires_at(pacer_.next_deadline());
    [[maybe_unused]] const auto [ec] = co_await look_again_.async_wait(with_ec);
    const bool stop = co_await stop_requested();
    if (stop) co_return;
    if (pacer_.should_look(Clock::now())) look();
  }
}

// False when the kernel did not say: then everything stays as it was.
bool NetworkWatch::ask(std::optional<platform::LocalPath>& path)
{
  bool known = true;
  path.reset();
  for (const IpAddress& gateway : question_->gateways) {
    auto answer = parts_.network->path_to(gateway, question_->mark);
    if (!answer) {
      log_->debug("network: {}", answer.error().message());
      known = false;
    } else if (*answer) {
      path = std::move(*answer);
      return true;
    }
  }
  return known;
}

void NetworkWatch::look()
{
  if (!question_) return;
  std::optional<platform::LocalPath> now;
  if (!ask(now)) return;
  const bool same = known_ && now == path_;
  known_ = true;
  if (same) return;
  path_ = std::move(now);
  changed_at_ = Clock::now();
  if (!path_) {
    log_->info("network: event=way_lost");
    return listener_.on_way_lost();
  }
  pacer_.on_move(*changed_at_);
  log_->info("network: event=way_changed interface={}", path_->interface_name);
  listener_.on_way_found(*path_);
}

asio::awaitable<void> NetworkWatch::watch_clocks()
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    look_at_clocks();
    const bool go_on = co_await pause(kBetweenClockReadings);
    if (!go_on) co_return;
  }
}

void NetworkWatch::look_at_clocks()
{
  const auto jump = clock_watch_.on_reading(parts_.read_clocks());
  if (!jump) return;
  log_->info("clock: slept_ms={} stalled_ms={} wall_clock_set_by_ms={}", in_ms(jump->slept).count(),
             in_ms(jump->stalled).count(), in_ms(jump->wall_step).count());
  listener_.on_clock_jumped(in_ms(jump->wall_step), jump->slept.count() != 0);
  if (jump->was_away()) wake_up("clock");
}

asio::awaitable<void> NetworkWatch::watch_sleep()
{
  co_await asio::this_coro::throw_if_cancelled(false);
  bool said = false;
  for (;;) {
    auto monitor = parts_.listen_for_sleep();
    Error why = monitor ? Error{} : std::move(monitor.error());
    while (monitor) {
      const auto event = co_await (*monitor)->wait();
      const bool stop = co_await stop_requested();
      if (stop) co_return;
      if (!event) {
        why = event.error();
        break;
      }
      if (*event == platform::SleepEvent::woke_up)
        wake_up("logind");
      else
        fall_asleep();
    }
    if (asleep_) wake_up("silence");  // nobody is left who would say so
    if (!std::exchange(said, true))
      log_->info("sleep: no news from logind, the clocks will tell ({})", why.message());
    const bool go_on = co_await pause(kBetweenBusTries);
    if (!go_on) co_return;
  }
}

void NetworkWatch::fall_asleep()
{
  if (std::exchange(asleep_, true)) return;
  log_->info("sleep: event=falling_asleep");
  listener_.on_falling_asleep();
}

void NetworkWatch::wake_up(std::string_view how)
{
  const Clock::time_point now = Clock::now();
  if (!std::exchange(asleep_, false) && woke_up_at_ && now - *woke_up_at_ < kSameSleep) return;
  woke_up_at_ = now;
  changed_at_ = now;
  log_->info("sleep: event=woke_up told_by={}", how);
  if (parts_.network) look();
  listener_.on_woke_up();
}

}  // namespace slopn::daemon
