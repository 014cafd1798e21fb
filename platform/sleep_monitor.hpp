#pragma once

#include <cstdint>
#include <memory>

#include "libtunnel/base/async.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::platform {

enum class SleepEvent : std::uint8_t { falling_asleep, woke_up };

/// What the system tells about its sleep.
class SleepMonitor {
 public:
  virtual ~SleepMonitor() = default;

  /// Waits for the next event. An error is the end: whoever announces sleep is not there any more,
  /// or never was. Cancelling completes with `operation_aborted`.
  [[nodiscard]] virtual asio::awaitable<Result<SleepEvent>> wait() = 0;
};

/// Listens to the system's session manager (logind's PrepareForSleep); fails where there is none to
/// talk to, which is an ordinary state of a server or a container.
[[nodiscard]] Result<std::unique_ptr<SleepMonitor>> make_sleep_monitor(
    asio::any_io_executor executor);

}  // namespace slopn::platform
