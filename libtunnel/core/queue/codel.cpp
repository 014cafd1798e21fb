#include "libtunnel/core/queue/codel.hpp"

#include <cmath>

namespace slopn::queue {
namespace {

Clock::time_point after_signal(Clock::time_point last, Clock::duration interval,
                               std::uint32_t count) noexcept
{
  const double pause =
      static_cast<double>(interval.count()) / std::sqrt(static_cast<double>(count));
  return last + Clock::duration{static_cast<Clock::rep>(pause)};
}

}  // namespace

bool Codel::is_persistently_late(const CodelOptions& options, Clock::time_point now,
                                 Clock::duration sojourn, std::size_t bytes_behind) noexcept
{
  if (sojourn < options.target || bytes_behind <= options.mtu_bytes) {
    late_ = false;
    return false;
  }
  if (!late_) {
    late_ = true;
    signal_from_ = now + options.interval;
    return false;
  }
  return now >= signal_from_;
}

void Codel::start_dropping(const CodelOptions& options, Clock::time_point now) noexcept
{
  const std::uint32_t last_signals = count_ - first_count_;
  const bool recent = now - next_signal_ < kCodelMemoryIntervals * options.interval;
  count_ = last_signals > 1 && recent ? last_signals : 1;
  first_count_ = count_;
  next_signal_ = after_signal(now, options.interval, count_);
  dropping_ = true;
}

bool Codel::should_signal(const CodelOptions& options, Clock::time_point now,
                          Clock::duration sojourn, std::size_t bytes_behind) noexcept
{
  if (!is_persistently_late(options, now, sojourn, bytes_behind)) {
    dropping_ = false;
    return false;
  }
  if (!dropping_) {
    start_dropping(options, now);
    return true;
  }
  if (now < next_signal_) return false;
  ++count_;
  // The RFC counts on from the instant that was due, not from now, so lost time is made up for.
  next_signal_ = after_signal(next_signal_, options.interval, count_);
  return true;
}

}  // namespace slopn::queue
