#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "daemon/commands.hpp"
#include "libtunnel/base/async.hpp"
#include "platform/service_notifier.hpp"

namespace spdlog {
class logger;
}

namespace slopn::daemon {

/// One line for `systemctl status`. Everybody on the host may read it, so it names no address.
[[nodiscard]] std::string service_status_text(const Status& status);

/// Tells the service manager the daemon's life: ready, reloading, stopping, what it is doing, and
/// that it is alive.
///
/// A sign of life is sent only when the control thread has asked the workers for their counters and
/// all of them have answered, so it stops when any of these threads does. Belongs on the control
/// thread.
class ServiceReporter {
 public:
  /// All of them must outlive this.
  ServiceReporter(asio::any_io_executor control, Commands& commands,
                  platform::ServiceNotifier& notifier, spdlog::logger& log);
  ~ServiceReporter();
  ServiceReporter(const ServiceReporter&) = delete;
  ServiceReporter& operator=(const ServiceReporter&) = delete;

  /// The daemon answers calls from now on. Starts the signs of life. Again after `reloading()`.
  void ready();
  /// The configuration is being read again; `ready()` must follow.
  void reloading();
  /// The end has begun. Nothing is told after that.
  void stopping();

 private:
  void tell_status();
  void wait_for_turn();
  void ask_workers();
  void on_workers_answered();

  Commands& commands_;
  platform::ServiceNotifier& notifier_;
  spdlog::logger& log_;
  asio::steady_timer timer_;
  std::unique_ptr<Commands::Subscription> subscription_;
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);  // answers may come later
  std::string told_status_;
  bool asked_ = false;  // and not answered yet
  bool beating_ = false;
  bool stopping_ = false;
};

}  // namespace slopn::daemon
