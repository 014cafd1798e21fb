#include "libtunnel/core/roaming/change_pacer.hpp"

#include <algorithm>

namespace slopn {

void ChangePacer::on_event(Clock::time_point now) noexcept
{
  if (!first_event_) first_event_ = now;
  last_event_ = now;
}

Clock::time_point ChangePacer::next_deadline() const noexcept
{
  if (!first_event_) return Clock::time_point::max();
  const auto settled = std::min(last_event_ + policy_.quiet, *first_event_ + policy_.longest);
  return moves_left_ > 0 ? settled : std::max(settled, refilled_at_ + policy_.refill);
}

bool ChangePacer::should_look(Clock::time_point now) noexcept
{
  refill(now);
  if (now < next_deadline()) return false;
  first_event_.reset();
  return true;
}

void ChangePacer::on_move(Clock::time_point now) noexcept
{
  refill(now);
  if (moves_left_ == policy_.burst) refilled_at_ = now;
  if (moves_left_ > 0) --moves_left_;
}

void ChangePacer::refill(Clock::time_point now) noexcept
{
  while (moves_left_ < policy_.burst && now - refilled_at_ >= policy_.refill) {
    ++moves_left_;
    refilled_at_ += policy_.refill;
  }
}

}  // namespace slopn
