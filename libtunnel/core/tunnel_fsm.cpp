#include "libtunnel/core/tunnel_fsm.hpp"

#include <algorithm>
#include <utility>

#include "libtunnel/base/overloaded.hpp"

namespace slopn {

using namespace tunnel;

namespace {

// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine, which the standard
// library's distributions are not.
std::uint64_t next_random(std::uint64_t& state) noexcept
{
  state += 0x9e3779b97f4a7c15U;
  std::uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31U);
}

}  // namespace

TunnelFsm::Actions TunnelFsm::on_event(const Event& event, Clock::time_point now)
{
  // The copy lets a handler replace `state_` while it still reads the old one.
  const State before = state_;
  return std::visit(
      Overloaded{
          [&](const Idle&, const ConnectRequested&) { return connect(1, Interface::down, now); },
          [&](const Idle&, const StopRequested&) { return close({}, Interface::down); },

          [&](const Connecting& s, const LinkUp& e) {
            if (e.id != s.id) return Actions{};
            state_ = Online{s.id, now, s.attempt};
            return Actions{BringInterfaceUp{s.id}};
          },
          [&](const Connecting& s, const LinkLost& e) {
            return e.id == s.id ? lose(s, e.reason, now) : Actions{};
          },
          [&](const Connecting& s, const TimeAdvanced&) {
            if (now < s.deadline) return Actions{};
            Actions actions = lose(s, fail(Errc::timed_out, "connect"), now);
            actions.insert(actions.begin(), DropLink{s.id});
            return actions;
          },
          [&](const Connecting& s, const StopRequested&) { return drain(s.id, s.interface, now); },

          [&](const Online& s, const LinkLost& e) {
            return e.id == s.id ? lose(s, e.reason, now) : Actions{};
          },
          [&](const Online& s, const StopRequested&) { return drain(s.id, Interface::up, now); },

          [&](const Backoff& s, const ConnectRequested&) {
            return connect(s.next_attempt, s.interface, now);
          },
          [&](const Backoff& s, const TimeAdvanced&) {
            return now < s.until ? Actions{} : connect(s.next_attempt, s.interface, now);
          },
          [&](const Backoff& s, const StopRequested&) { return close({}, s.interface); },

          [&](const Closing& s, const DrainDone& e) {
            return e.id == s.id ? close({}, Interface::down) : Actions{};
          },
          [&](const Closing& s, const LinkLost& e) {
            return e.id == s.id ? close({}, Interface::down) : Actions{};
          },
          [&](const Closing& s, const TimeAdvanced&) {
            if (now < s.deadline) return Actions{};
            state_ = Closed{};
            return Actions{DropLink{s.id}};
          },
          [&](const Closing& s, const StopRequested&) {
            state_ = Closed{};
            return Actions{DropLink{s.id}};
          },

          [&](const Closed&, const ConnectRequested&) { return connect(1, Interface::down, now); },

          [](const auto&, const auto&) { return Actions{}; },
      },
      before, event);
}

std::optional<Clock::time_point> TunnelFsm::next_deadline() const noexcept
{
  using Deadline = std::optional<Clock::time_point>;
  return std::visit(Overloaded{
                        [](const Connecting& s) -> Deadline { return s.deadline; },
                        [](const Backoff& s) -> Deadline { return s.until; },
                        [](const Closing& s) -> Deadline { return s.deadline; },
                        [](const Idle&) -> Deadline { return std::nullopt; },
                        [](const Online&) -> Deadline { return std::nullopt; },
                        [](const Closed&) -> Deadline { return std::nullopt; },
                    },
                    state_);
}

TunnelFsm::Actions TunnelFsm::connect(std::uint32_t attempt, Interface interface,
                                      Clock::time_point now)
{
  const LinkId id{++last_id_};
  state_ = Connecting{id, attempt, now + policy_.connect_timeout, interface};
  return {StartLink{id}};
}

TunnelFsm::Actions TunnelFsm::lose(const Connecting& state, Error reason, Clock::time_point now)
{
  if (!is_retryable(reason.code)) return close(std::move(reason), state.interface);
  return back_off({state.attempt + 1, now, std::move(reason), state.interface}, now);
}

TunnelFsm::Actions TunnelFsm::lose(const Online& state, Error reason, Clock::time_point now)
{
  if (!is_retryable(reason.code)) return close(std::move(reason), Interface::up);
  const bool was_stable = now - state.since >= policy_.stable_after;
  const std::uint32_t next_attempt = was_stable ? 1 : state.attempt + 1;
  return back_off({next_attempt, now, std::move(reason), Interface::up}, now);
}

TunnelFsm::Actions TunnelFsm::back_off(Backoff next, Clock::time_point now)
{
  next.until = now + backoff_before(next.next_attempt);
  state_ = std::move(next);
  return {};
}

TunnelFsm::Actions TunnelFsm::drain(LinkId id, Interface interface, Clock::time_point now)
{
  state_ = Closing{id, now + policy_.drain_timeout};
  if (interface == Interface::up) return {TakeInterfaceDown{}, StartDrain{id}};
  return {StartDrain{id}};
}

TunnelFsm::Actions TunnelFsm::close(std::optional<Error> reason, Interface interface)
{
  state_ = Closed{std::move(reason)};
  if (interface == Interface::up) return {TakeInterfaceDown{}};
  return {};
}

// Doubles with each attempt up to the cap; then a random half of it is taken off at most, so that
// a gateway's clients do not return all at once.
Clock::duration TunnelFsm::backoff_before(std::uint32_t attempt) noexcept
{
  Clock::duration longest = std::min(policy_.first_backoff, policy_.longest_backoff);
  for (std::uint32_t i = 2; i < attempt && longest < policy_.longest_backoff; ++i)
    longest = std::min(longest * 2, policy_.longest_backoff);
  const auto half = static_cast<std::uint64_t>(longest.count() / 2);
  const auto jitter = static_cast<Clock::rep>(next_random(random_) % (half + 1));
  return longest - Clock::duration{jitter};
}

}  // namespace slopn
