#include "libtunnel/core/tunnel_fsm.hpp"

#include <algorithm>
#include <iterator>
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

// An interface that was begun and not finished.
bool half_made(const State& state) noexcept
{
  const auto* connecting = std::get_if<Connecting>(&state);
  return connecting != nullptr && connecting->link_up;
}

TunnelFsm::Actions joined(TunnelFsm::Actions first, TunnelFsm::Actions second)
{
  std::ranges::move(second, std::back_inserter(first));
  return first;
}

}  // namespace

std::string_view tunnel::to_string(const State& state) noexcept
{
  using Name = std::string_view;
  return std::visit(Overloaded{
                        [](const Disconnected&) -> Name { return "disconnected"; },
                        [](const Connecting&) -> Name { return "connecting"; },
                        [](const Connected&) -> Name { return "connected"; },
                        [](const Reconnecting&) -> Name { return "reconnecting"; },
                        [](const Disconnecting&) -> Name { return "disconnecting"; },
                        [](const Failed&) -> Name { return "failed"; },
                    },
                    state);
}

// What each event does, in any state. The pointers are to the state it was in, or null.
struct TunnelFsm::Reaction {
  TunnelFsm& fsm;
  Clock::time_point now;

  template <class S>
  [[nodiscard]] S* in() const noexcept
  {
    return std::get_if<S>(&fsm.state_);
  }

  Actions operator()(const ConnectRequested& event) const
  {
    fsm.asleep_ = false;  // whoever asks is awake
    if (fsm.connection_wanted()) {
      if (!event.confirm_within) fsm.confirm_until_.reset();
      const auto* waiting = in<Reconnecting>();
      return waiting ? fsm.start(waiting->next_attempt, now) : Actions{};
    }
    fsm.confirm_until_.reset();
    if (event.confirm_within) fsm.confirm_until_ = now + *event.confirm_within;
    Actions cut_short;
    if (const auto* leaving = in<Disconnecting>()) cut_short = {DropLink{leaving->id}};
    return joined(std::move(cut_short), fsm.start(1, now));
  }

  Actions operator()(const ConnectionConfirmed&) const
  {
    fsm.confirm_until_.reset();
    return {};
  }

  Actions operator()(const DisconnectRequested&) const { return fsm.end(std::nullopt, now); }

  Actions operator()(const LockdownChanged& event) const
  {
    fsm.lockdown_ = event.on;
    if (event.on && fsm.guard_ == Guard::open) {
      fsm.guard_ = Guard::blocked;
      Actions actions{BlockTraffic{}};
      // That took down what was just made for the link.
      if (half_made(fsm.state_)) actions.push_back(ConfigureInterface{in<Connecting>()->id});
      return actions;
    }
    const bool nothing_wanted = in<Disconnected>() || in<Disconnecting>();
    if (event.on || !nothing_wanted) return {};
    return fsm.let_go(false);
  }

  Actions operator()(const NetworkChanged& event) const
  {
    const bool was_usable = std::exchange(fsm.network_usable_, event.usable);
    if (event.usable) return fsm.held() ? Actions{} : fsm.try_soon(now);
    if (!was_usable) return {};
    return fsm.wait_for_better_times(fail(Errc::unreachable, "this host has no network"), now);
  }

  Actions operator()(const Suspended&) const
  {
    fsm.asleep_ = true;
    return fsm.wait_for_better_times(fail(Errc::unreachable, "this host goes to sleep"), now);
  }

  Actions operator()(const Resumed&) const
  {
    fsm.asleep_ = false;
    return fsm.held() ? Actions{} : fsm.try_soon(now);
  }

  Actions operator()(const LinkProgressed& event) const
  {
    auto* connecting = in<Connecting>();
    if (connecting && connecting->id == event.id && !connecting->link_up)
      connecting->phase = event.phase;
    return {};
  }

  Actions operator()(const LinkUp& event) const
  {
    auto* connecting = in<Connecting>();
    if (!connecting || connecting->id != event.id || connecting->link_up) return {};
    connecting->link_up = true;
    connecting->phase = Phase::configuring;
    return {ConfigureInterface{event.id}};
  }

  Actions operator()(const InterfaceUp& event) const
  {
    const auto* connecting = in<Connecting>();
    if (!connecting || connecting->id != event.id || !connecting->link_up) return {};
    fsm.guard_ = Guard::tunnel;
    fsm.state_ = Connected{connecting->id, now, connecting->attempt};
    return {};
  }

  Actions operator()(const LinkLost& event) const
  {
    const auto* connecting = in<Connecting>();
    const auto* connected = in<Connected>();
    const bool ours =
        (connecting && connecting->id == event.id) || (connected && connected->id == event.id);
    if (ours) return fsm.lose(event.reason, now);
    return drained(event.id);
  }

  Actions operator()(const DrainDone& event) const { return drained(event.id); }

  Actions operator()(const TimeAdvanced&) const { return fsm.on_time(now); }

  Actions drained(LinkId id) const
  {
    if (auto* leaving = in<Disconnecting>(); leaving && leaving->id == id)
      fsm.state_ = Disconnected{std::optional<Error>{leaving->reason}};
    return {};
  }
};

TunnelFsm::Actions TunnelFsm::on_event(const Event& event, Clock::time_point now)
{
  return std::visit(Reaction{*this, now}, event);
}

std::optional<Clock::time_point> TunnelFsm::next_deadline() const noexcept
{
  using Deadline = std::optional<Clock::time_point>;
  const auto own = std::visit(Overloaded{
                                  [](const Connecting& s) -> Deadline { return s.deadline; },
                                  [](const Reconnecting& s) -> Deadline { return s.until; },
                                  [](const Disconnecting& s) -> Deadline { return s.deadline; },
                                  [](const Disconnected&) -> Deadline { return std::nullopt; },
                                  [](const Connected&) -> Deadline { return std::nullopt; },
                                  [](const Failed&) -> Deadline { return std::nullopt; },
                              },
                              state_);
  if (own && confirm_until_) return std::min(*own, *confirm_until_);
  return own ? own : confirm_until_;
}

bool TunnelFsm::traffic_blocked() const noexcept
{
  const bool connected = std::holds_alternative<Connected>(state_);
  return guard_ == Guard::blocked || (guard_ == Guard::tunnel && !connected);
}

bool TunnelFsm::connection_wanted() const noexcept
{
  return std::holds_alternative<Connecting>(state_) || std::holds_alternative<Connected>(state_) ||
         std::holds_alternative<Reconnecting>(state_);
}

TunnelFsm::Actions TunnelFsm::on_time(Clock::time_point now)
{
  if (confirm_until_ && now >= *confirm_until_)
    return end(fail(Errc::timed_out, "nobody confirmed the connection"), now);
  if (const auto* connecting = std::get_if<Connecting>(&state_);
      connecting && now >= connecting->deadline) {
    const LinkId id = connecting->id;
    return joined({DropLink{id}}, lose(fail(Errc::timed_out, "connect"), now));
  }
  if (const auto* waiting = std::get_if<Reconnecting>(&state_); waiting && now >= waiting->until) {
    asleep_ = false;  // our clock stands still while the host sleeps
    return start(waiting->next_attempt, now);
  }
  if (const auto* leaving = std::get_if<Disconnecting>(&state_);
      leaving && now >= leaving->deadline)
    return end(leaving->reason, now);
  return {};
}

TunnelFsm::Actions TunnelFsm::start(std::uint32_t attempt, Clock::time_point now)
{
  const LinkId id{++last_id_};
  state_ = Connecting{id, attempt, Phase::resolving, now + policy_.connect_timeout, false};
  return {StartLink{id}};
}

// The link of Connecting or Connected is gone.
TunnelFsm::Actions TunnelFsm::lose(Error reason, Clock::time_point now)
{
  const bool was_half_made = half_made(state_);
  if (!is_retryable(reason.code)) return fail_for_good(std::move(reason), was_half_made);
  std::uint32_t next_attempt = 1;
  if (const auto* connecting = std::get_if<Connecting>(&state_)) {
    next_attempt = connecting->attempt + 1;
  } else if (const auto& connected = std::get<Connected>(state_);
             now - connected.since < policy_.stable_after) {
    next_attempt = connected.attempt + 1;
  }
  // A try without a network says nothing about the gateway.
  if (held()) next_attempt = std::max(next_attempt, 2U) - 1;
  const auto pause = held() ? policy_.longest_backoff : backoff_before(next_attempt);
  state_ = Reconnecting{next_attempt, now, now + pause, std::move(reason)};
  return was_half_made ? restore_guard() : Actions{};
}

TunnelFsm::Actions TunnelFsm::fail_for_good(Error error, bool half_made)
{
  state_ = Failed{std::move(error)};
  if (guard_ == Guard::open) confirm_until_.reset();  // there is nothing to take back
  return half_made ? restore_guard() : Actions{};
}

// Gives up the try that is being made, or puts off the next. A connection may outlive it.
TunnelFsm::Actions TunnelFsm::wait_for_better_times(Error reason, Clock::time_point now)
{
  if (auto* waiting = std::get_if<Reconnecting>(&state_)) {
    waiting->until = now + policy_.longest_backoff;
    return {};
  }
  const auto* connecting = std::get_if<Connecting>(&state_);
  if (!connecting) return {};
  const LinkId id = connecting->id;
  return joined({DropLink{id}}, lose(std::move(reason), now));
}

TunnelFsm::Actions TunnelFsm::try_soon(Clock::time_point now)
{
  auto* waiting = std::get_if<Reconnecting>(&state_);
  if (!waiting) return {};
  waiting->until = std::min(waiting->until, std::max(now, waiting->since + policy_.least_pause));
  return now < waiting->until ? Actions{} : start(waiting->next_attempt, now);
}

TunnelFsm::Actions TunnelFsm::end(std::optional<Error> reason, Clock::time_point now)
{
  confirm_until_.reset();
  if (const auto* leaving = std::get_if<Disconnecting>(&state_)) {
    const LinkId id = leaving->id;
    state_ = Disconnected{leaving->reason};
    return {DropLink{id}};
  }
  std::optional<LinkId> link;
  if (const auto* connecting = std::get_if<Connecting>(&state_)) link = connecting->id;
  if (const auto* connected = std::get_if<Connected>(&state_)) link = connected->id;
  Actions actions = let_go(half_made(state_));
  if (!link) {
    state_ = Disconnected{std::move(reason)};
    return actions;
  }
  state_ = Disconnecting{*link, now + policy_.drain_timeout, std::move(reason)};
  actions.push_back(StartDrain{*link});
  return actions;
}

// After an interface that was not finished: what was before it.
TunnelFsm::Actions TunnelFsm::restore_guard() const
{
  switch (guard_) {
    case Guard::open:
      return {OpenTraffic{}};
    case Guard::blocked:
      return {BlockTraffic{}};
    case Guard::tunnel:
      return {};  // it is still there, and blocks
  }
  return {};
}

// Nobody wants a tunnel any more: the only way from a guarded state to an open one.
TunnelFsm::Actions TunnelFsm::let_go(bool half_made)
{
  const Guard before = guard_;
  guard_ = lockdown_ ? Guard::blocked : Guard::open;
  return guard_ == before && !half_made ? Actions{} : restore_guard();
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
