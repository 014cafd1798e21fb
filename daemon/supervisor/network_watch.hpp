#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/core/roaming/change_pacer.hpp"
#include "libtunnel/core/roaming/clock_watch.hpp"
#include "libtunnel/io/task_group.hpp"
#include "platform/network_monitor.hpp"
#include "platform/sleep_monitor.hpp"

namespace spdlog {
class logger;
}

namespace slopn::daemon {

/// Who wants to know; called on the control thread.
class NetworkWatchListener {
 public:
  virtual ~NetworkWatchListener() = default;
  /// There is a way to the gateway now that there was not, or another one than before.
  virtual void on_way_found(const platform::LocalPath& path) = 0;
  /// There is none any more.
  virtual void on_way_lost() = 0;
  /// The host is about to sleep; `on_woke_up()` follows in any case.
  virtual void on_falling_asleep() = 0;
  /// Nothing was sent or received for a while: the host slept, or we did.
  virtual void on_woke_up() = 0;
  /// The wall clock is `by` away from where it should be, or the host slept.
  virtual void on_clock_jumped(std::chrono::milliseconds by, bool slept) = 0;
};

/// What the host's network and clocks do, as far as it concerns a tunnel to one gateway.
///
/// Owns what watches the network, the clocks and the system's sleep, and forwards what matters.
/// Missing parts are said once and done without. Lives on the control thread.
class NetworkWatch {
 public:
  /// The parts of this host; what cannot be had stays empty.
  struct Parts {
    std::unique_ptr<platform::NetworkMonitor> network;
    std::function<Result<std::unique_ptr<platform::SleepMonitor>>()> listen_for_sleep;
    std::function<ClockReading()> read_clocks;
  };
  [[nodiscard]] static Parts parts_of_host(asio::any_io_executor control, spdlog::logger& log);

  /// `listener` outlives the watch.
  NetworkWatch(asio::any_io_executor control, Parts parts, NetworkWatchListener& listener,
               std::shared_ptr<spdlog::logger> log);

  /// Which way matters: that of packets with `mark` to the first of `gateways` that has one; without
  /// any, while their names are not known, a way to anywhere. What the way is now is not told, only
  /// what it becomes.
  void follow(std::vector<IpAddress> gateways, std::uint32_t mark);

  /// Whether there was a way to the gateway when it was last looked for; true before.
  [[nodiscard]] bool has_way() const noexcept { return !known_ || path_.has_value(); }
  /// Whether the way has changed a moment ago, so that the loss of a link is no wonder and trying
  /// again makes sense at once. True once for each change.
  [[nodiscard]] bool take_recent_change() noexcept;

  /// Ends it; then it may be destroyed.
  [[nodiscard]] asio::awaitable<void> stop();

 private:
  struct Question {
    std::vector<IpAddress> gateways;
    std::uint32_t mark;
  };

  [[nodiscard]] asio::awaitable<void> watch_network();
  [[nodiscard]] asio::awaitable<void> pace_looks();
  [[nodiscard]] asio::awaitable<void> watch_clocks();
  [[nodiscard]] asio::awaitable<void> watch_sleep();
  [[nodiscard]] asio::awaitable<bool> pause(Clock::duration duration);
  void look();
  [[nodiscard]] bool ask(std::optional<platform::LocalPath>& path);
  void look_at_clocks();
  void fall_asleep();
  void wake_up(std::string_view how);

  asio::any_io_executor control_;
  Parts parts_;
  NetworkWatchListener& listener_;
  std::shared_ptr<spdlog::logger> log_;
  ChangePacer pacer_;
  ClockWatch clock_watch_;
  std::optional<Question> question_;
  bool known_ = false;  // path_ is an answer to question_
  std::optional<platform::LocalPath> path_;
  std::optional<Clock::time_point> changed_at_;
  bool asleep_ = false;  // as far as logind has told
  std::optional<Clock::time_point> woke_up_at_;
  asio::steady_timer look_again_;
  io::TaskGroup tasks_;
};

}  // namespace slopn::daemon
