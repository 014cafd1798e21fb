#include "libtunnel/core/roaming/path_health.hpp"

#include <algorithm>

#include "libtunnel/base/overloaded.hpp"

namespace slopn {

PathHealth::Waiting PathHealth::wait(Clock::duration patience, Clock::time_point now) const noexcept
{
  const Clock::duration granted = std::max(patience, 4 * probe_timeout_);
  return {now + granted / 2, now + granted};
}

void PathHealth::note(bool heard, bool answer_due, Clock::duration probe_timeout,
                      Clock::time_point now)
{
  probe_timeout_ = probe_timeout;
  if (heard) last_heard_ = now;
  if (std::holds_alternative<Moving>(state_)) return;
  if (heard) state_ = Calm{};
  if (answer_due && std::holds_alternative<Calm>(state_)) state_ = wait(policy_.patience, now);
}

void PathHealth::on_doubt(Clock::time_point now)
{
  if (std::holds_alternative<Moving>(state_) || std::holds_alternative<NoWay>(state_)) return;
  const Waiting next = wait(policy_.doubt, now);
  // A wait that has begun goes on if it ends earlier.
  if (const auto* waiting = std::get_if<Waiting>(&state_); waiting && waiting->until <= next.until)
    return;
  state_ = next;
}

void PathHealth::on_moved(Clock::time_point now)
{
  state_ = Moving{now + policy_.confirmation};
}

void PathHealth::on_confirmed(Clock::time_point)
{
  if (std::holds_alternative<Moving>(state_)) state_ = Calm{};
}

void PathHealth::on_no_way(Clock::time_point now)
{
  if (!std::holds_alternative<NoWay>(state_)) state_ = NoWay{now + policy_.patience};
}

PathHealth::Verdict PathHealth::on_time(Clock::time_point now)
{
  return std::visit(Overloaded{
                        [](Calm) { return Verdict::good; },
                        [&](Waiting& waiting) {
                          if (now >= waiting.until) return Verdict::silent;
                          if (now < waiting.ask_at) return Verdict::good;
                          waiting.ask_at = Clock::time_point::max();
                          return Verdict::ask;
                        },
                        [&](const Moving& moving) {
                          return now >= moving.until ? Verdict::not_confirmed : Verdict::good;
                        },
                        [&](const NoWay& nowhere) {
                          return now >= nowhere.until ? Verdict::no_way : Verdict::good;
                        },
                    },
                    state_);
}

Clock::time_point PathHealth::next_deadline() const noexcept
{
  return std::visit(
      Overloaded{
          [](Calm) { return Clock::time_point::max(); },
          [](const Waiting& waiting) { return std::min(waiting.ask_at, waiting.until); },
          [](const Moving& moving) { return moving.until; },
          [](const NoWay& nowhere) { return nowhere.until; },
      },
      state_);
}

}  // namespace slopn
