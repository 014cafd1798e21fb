#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

namespace slopn::platform {

/// Tells whoever started the daemon as a service how it is doing (systemd's sd_notify protocol).
/// Without a service manager nothing happens and nothing fails.
class ServiceNotifier {
 public:
  virtual ~ServiceNotifier() = default;

  /// Sends `NAME=value` lines: "READY=1\nSTATUS=connected". Never waits; what a busy service manager
  /// cannot take is lost, and the next message says it again or matters no more.
  virtual void notify(std::string_view assignments) noexcept = 0;

  /// How long the service manager waits for a sign of life ("WATCHDOG=1") before it ends us;
  /// nullopt: it wants none.
  [[nodiscard]] virtual std::optional<std::chrono::microseconds> watchdog_timeout() const = 0;
};

/// As NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID say, which are taken out of the environment.
/// To be called before there are threads.
[[nodiscard]] std::unique_ptr<ServiceNotifier> make_service_notifier();

}  // namespace slopn::platform
