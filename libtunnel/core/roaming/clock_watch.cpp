#include "libtunnel/core/roaming/clock_watch.hpp"

namespace slopn {
namespace {

using std::chrono::nanoseconds;

// Wall clocks can be set to any value of 64 bits; their difference need not fit.
nanoseconds difference(nanoseconds later, nanoseconds earlier) noexcept
{
  nanoseconds::rep result = 0;
  if (!__builtin_sub_overflow(later.count(), earlier.count(), &result)) return nanoseconds{result};
  return later > earlier ? nanoseconds::max() : -nanoseconds::max();
}

nanoseconds beyond(nanoseconds value, nanoseconds tolerance) noexcept
{
  return value > tolerance || value < -tolerance ? value : nanoseconds{0};
}

}  // namespace

std::optional<ClockJump> ClockWatch::on_reading(const ClockReading& reading) noexcept
{
  if (!last_) {
    last_ = reading;
    return std::nullopt;
  }
  const nanoseconds ran = difference(reading.running, last_->running);
  const nanoseconds passed = difference(reading.passing, last_->passing);
  const nanoseconds wall = difference(reading.wall, last_->wall);
  last_ = reading;

  ClockJump jump;
  jump.slept = beyond(difference(passed, ran), policy_.tolerance);
  jump.stalled = beyond(difference(ran, policy_.period), policy_.stall_tolerance);
  jump.wall_step = beyond(difference(wall, passed), policy_.tolerance);
  // These two clocks never go back; what looks like it is not for us to explain.
  if (jump.slept < nanoseconds{0}) jump.slept = nanoseconds{0};
  if (jump.stalled < nanoseconds{0}) jump.stalled = nanoseconds{0};
  if (!jump.was_away() && jump.wall_step == nanoseconds{0}) return std::nullopt;
  return jump;
}

}  // namespace slopn
