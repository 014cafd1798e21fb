#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace slopn {

/// The host's three clocks, read in one moment.
struct ClockReading {
  std::chrono::nanoseconds running{0};  ///< Does not count sleep: CLOCK_MONOTONIC.
  std::chrono::nanoseconds passing{0};  ///< Counts it: CLOCK_BOOTTIME.
  std::chrono::nanoseconds wall{0};     ///< What somebody may set: CLOCK_REALTIME.
};

/// What the clocks say has happened between two readings.
struct ClockJump {
  std::chrono::nanoseconds slept{0};      ///< The host was suspended for so long.
  std::chrono::nanoseconds stalled{0};    ///< We were not run for so long: stopped, frozen, paused.
  std::chrono::nanoseconds wall_step{0};  ///< The wall clock was set, forward or back.

  /// Nothing was sent or received for a while: what was known about the network may be wrong.
  [[nodiscard]] bool was_away() const noexcept
  {
    return slept.count() != 0 || stalled.count() != 0;
  }
};

struct ClockWatchPolicy {
  std::chrono::nanoseconds period = std::chrono::seconds(2);  ///< Between readings, as intended.
  /// Less is a slow timer or a clock that is being corrected, not a jump.
  std::chrono::nanoseconds tolerance = std::chrono::seconds(1);
  /// A busy host may be late without having been away.
  std::chrono::nanoseconds stall_tolerance = std::chrono::seconds(8);
};

/// Finds sleep, stalls and a changed wall clock by comparing clocks that should go alike. Works on
/// every host: without a system bus, in containers, after a virtual machine was paused.
class ClockWatch {
 public:
  explicit ClockWatch(ClockWatchPolicy policy = {}) noexcept : policy_(policy) {}

  /// Takes a reading; what happened since the one before, if it is more than the tolerance.
  [[nodiscard]] std::optional<ClockJump> on_reading(const ClockReading& reading) noexcept;

 private:
  ClockWatchPolicy policy_;
  std::optional<ClockReading> last_;
};

}  // namespace slopn
