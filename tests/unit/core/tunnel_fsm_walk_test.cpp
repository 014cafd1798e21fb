#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libtunnel/base/overloaded.hpp"
#include "libtunnel/core/tunnel_fsm.hpp"

// Goes from every state the machine can reach with every event there is, and checks after each step
// what must hold always. The other tests say what happens; these say what never does.

namespace slopn {
namespace {

using namespace tunnel;

// Time in ticks of a nanosecond, so few that all distances between deadlines can be walked.
using Tick = Clock::duration;
constexpr RetryPolicy kPolicy{.connect_timeout = Tick{3},
                              .first_backoff = Tick{1},
                              .longest_backoff = Tick{2},
                              .stable_after = Tick{2},
                              .drain_timeout = Tick{1},
                              .least_pause = Tick{1}};
constexpr Tick kConfirmWithin{2};

// The machine, and what a driver would know: it only sees events and actions.
struct World {
  TunnelFsm fsm{kPolicy, 7};
  Clock::time_point now{};
  Guard network = Guard::open;         // as the actions have made it
  std::set<std::uint32_t> live_links;  // started, and neither lost, drained nor dropped
  std::uint32_t last_link = 0;
  bool interface_wanted = false;  // ConfigureInterface without an answer yet
  bool usable = true;
  bool asleep = false;
};

template <class S>
bool in(const World& world)
{
  return std::holds_alternative<S>(world.fsm.state());
}

bool interface_half_made(const World& world)
{
  const auto* connecting = std::get_if<Connecting>(&world.fsm.state());
  return connecting != nullptr && connecting->link_up;
}

void perform(World& world, const Action& action)
{
  const auto number = [](LinkId id) { return static_cast<std::uint32_t>(id); };
  std::visit(Overloaded{
                 [&](const StartLink& a) {
                   REQUIRE(number(a.id) == world.last_link + 1);  // never used twice
                   REQUIRE(world.live_links.empty());             // one link at a time
                   world.last_link = number(a.id);
                   world.live_links.insert(number(a.id));
                 },
                 [&](const ConfigureInterface& a) {
                   REQUIRE(world.live_links.contains(number(a.id)));
                   world.network = Guard::tunnel;
                   world.interface_wanted = true;
                 },
                 [&](const DropLink& a) {
                   REQUIRE(world.live_links.erase(number(a.id)) == 1);
                   world.interface_wanted = false;
                 },
                 [&](const StartDrain& a) {
                   REQUIRE(world.live_links.contains(number(a.id)));
                   world.interface_wanted = false;
                 },
                 [&](const BlockTraffic&) { world.network = Guard::blocked; },
                 [&](const OpenTraffic&) { world.network = Guard::open; },
             },
             action);
}

// The only events that may open what was guarded.
bool asks_to_open(const World& before, const Event& event)
{
  if (before.fsm.lockdown()) {
    const auto* lockdown = std::get_if<LockdownChanged>(&event);
    return lockdown != nullptr && !lockdown->on &&
           (in<Disconnected>(before) || in<Disconnecting>(before));
  }
  const auto confirm_until = before.fsm.confirm_until();
  return std::holds_alternative<DisconnectRequested>(event) ||
         (std::holds_alternative<TimeAdvanced>(event) && confirm_until &&
          before.now >= *confirm_until);
}

void check_invariants(const World& world)
{
  const TunnelFsm& fsm = world.fsm;
  const auto deadline = fsm.next_deadline();
  const bool waits = in<Connecting>(world) || in<Reconnecting>(world) || in<Disconnecting>(world);
  REQUIRE((!waits || deadline.has_value()));  // every wait has a deadline
  REQUIRE((!fsm.confirm_until() || *deadline <= *fsm.confirm_until()));

  const bool has_link = in<Connecting>(world) || in<Connected>(world) || in<Disconnecting>(world);
  REQUIRE(world.live_links.size() == (has_link ? 1 : 0));

  // What the machine believes of the network is so, and nothing is open under lockdown.
  REQUIRE((interface_half_made(world) || world.network == fsm.guard()));
  REQUIRE((!interface_half_made(world) || world.network == Guard::tunnel));
  REQUIRE((!fsm.lockdown() || fsm.guard() != Guard::open));
  REQUIRE((!in<Connected>(world) || world.network == Guard::tunnel));
  REQUIRE(
      (!in<Disconnected>(world) || fsm.guard() == (fsm.lockdown() ? Guard::blocked : Guard::open)));
  const bool carries = in<Connected>(world);
  REQUIRE(fsm.traffic_blocked() == (fsm.guard() != Guard::open && !carries));

  if (const auto* waiting = std::get_if<Reconnecting>(&fsm.state()))
    REQUIRE(is_retryable(waiting->reason.code));
  if (const auto* failed = std::get_if<Failed>(&fsm.state()))
    REQUIRE_FALSE(is_retryable(failed->error.code));
  if (fsm.confirm_until()) REQUIRE((fsm.connection_wanted() || in<Failed>(world)));
}

// A driver only reports about links that live; what it says about dead ones is a late answer.
void note(World& world, const Event& event)
{
  if (const auto* lost = std::get_if<LinkLost>(&event)) {
    if (world.live_links.erase(static_cast<std::uint32_t>(lost->id)) > 0)
      world.interface_wanted = false;
  }
  if (const auto* done = std::get_if<DrainDone>(&event))
    world.live_links.erase(static_cast<std::uint32_t>(done->id));
  if (std::holds_alternative<InterfaceUp>(event)) world.interface_wanted = false;
  if (const auto* network = std::get_if<NetworkChanged>(&event)) world.usable = network->usable;
  if (std::holds_alternative<Suspended>(event)) world.asleep = true;
  if (std::holds_alternative<Resumed>(event) || std::holds_alternative<ConnectRequested>(event))
    world.asleep = false;
}

void step(World& world, const Event& event)
{
  const World before = world;
  note(world, event);
  const auto actions = world.fsm.on_event(event, world.now);
  for (const Action& action : actions) {
    perform(world, action);
    const bool opens = std::holds_alternative<OpenTraffic>(action);
    // Not even for a moment.
    REQUIRE((!opens || before.fsm.guard() == Guard::open || asks_to_open(before, event)));
    if (std::holds_alternative<StartLink>(action) && std::holds_alternative<TimeAdvanced>(event))
      world.asleep = false;
  }
  check_invariants(world);
  const bool guarded = before.fsm.guard() != Guard::open;
  if (guarded && world.fsm.guard() == Guard::open) REQUIRE(asks_to_open(before, event));
  if (std::holds_alternative<TimeAdvanced>(event)) {
    const auto deadline = world.fsm.next_deadline();
    REQUIRE((!deadline || *deadline > world.now));  // what was due is done
  }
}

std::vector<Event> possible_events(const World& world)
{
  const LinkId current{world.last_link};
  const LinkId late{world.last_link > 0 ? world.last_link - 1 : 0};
  const Error passing = fail(Errc::unreachable, "walk");
  const Error final_one = fail(Errc::identity_mismatch, "walk");
  std::vector<Event> events{ConnectRequested{},    ConnectRequested{kConfirmWithin},
                            ConnectionConfirmed{}, DisconnectRequested{},
                            LockdownChanged{true}, LockdownChanged{false},
                            NetworkChanged{true},  NetworkChanged{false},
                            Suspended{},           Resumed{},
                            TimeAdvanced{},        LinkProgressed{late, Phase::authenticating},
                            LinkUp{late},          InterfaceUp{late},
                            DrainDone{late},       LinkLost{late, final_one}};
  if (world.live_links.empty()) return events;
  events.push_back(LinkLost{current, passing});
  events.push_back(LinkLost{current, final_one});
  if (in<Disconnecting>(world)) {
    events.push_back(DrainDone{current});
  } else {
    events.push_back(LinkProgressed{current, Phase::authenticating});
    events.push_back(LinkUp{current});
  }
  if (world.interface_wanted) events.push_back(InterfaceUp{current});
  return events;
}

// All that decides how a world goes on, with times relative to now; ids and large numbers do not.
std::string key_of(const World& world)
{
  constexpr std::int64_t kFar = 4;
  const auto relative = [&](Clock::time_point when) {
    return std::to_string(std::clamp<std::int64_t>((when - world.now).count(), -kFar, kFar)) + " ";
  };
  const auto count = [](std::uint32_t number) {
    return std::to_string(std::min(number, 3U)) + " ";
  };
  const TunnelFsm& fsm = world.fsm;
  std::string key{to_string(fsm.state())};
  key += ' ';
  std::visit(Overloaded{
                 [&](const Disconnected& s) { key += s.reason ? "reason " : ""; },
                 [&](const Connecting& s) {
                   key += count(s.attempt) + relative(s.deadline) +
                          std::to_string(static_cast<int>(s.phase)) + (s.link_up ? "up " : " ");
                 },
                 [&](const Connected& s) { key += count(s.attempt) + relative(s.since); },
                 [&](const Reconnecting& s) {
                   key += count(s.next_attempt) + relative(s.since) + relative(s.until);
                 },
                 [&](const Disconnecting& s) {
                   key += relative(s.deadline) + (s.reason ? "reason " : "");
                 },
                 [&](const Failed&) {},
             },
             fsm.state());
  key += std::to_string(static_cast<int>(fsm.guard())) + (fsm.lockdown() ? "locked " : " ");
  if (fsm.confirm_until()) key += "confirm " + relative(*fsm.confirm_until());
  key += world.usable ? "" : "offline ";
  key += world.asleep ? "asleep " : "";
  key += world.interface_wanted ? "wanted " : "";
  return key;
}

// Time may also pass without anybody saying so, but not for long behind a deadline.
std::optional<World> one_tick_later(const World& world)
{
  const auto deadline = world.fsm.next_deadline();
  if (deadline && world.now > *deadline) return std::nullopt;
  World later = world;
  later.now += Tick{1};
  return later;
}

std::vector<World> all_worlds()
{
  std::vector<World> worlds;
  std::set<std::string> seen;
  std::deque<World> waiting{World{}};
  waiting.front().now += Tick{1000};
  seen.insert(key_of(waiting.front()));
  const auto add = [&](World&& world) {
    if (seen.insert(key_of(world)).second) waiting.push_back(std::move(world));
  };
  while (!waiting.empty()) {
    const World world = std::move(waiting.front());
    waiting.pop_front();
    for (const Event& event : possible_events(world)) {
      World next = world;
      step(next, event);
      add(std::move(next));
    }
    if (auto later = one_tick_later(world)) add(std::move(*later));
    worlds.push_back(world);
  }
  return worlds;
}

const std::vector<World>& reachable()
{
  static const std::vector<World> worlds = all_worlds();
  return worlds;
}

}  // namespace

TEST_CASE("tunnel: from every reachable state, no event opens what nobody asked to open",
          "[unit][tunnel]")
{
  std::map<std::size_t, int> states;
  for (const World& world : reachable()) ++states[world.fsm.state().index()];
  CHECK(states.size() == std::variant_size_v<State>);
  INFO(reachable().size());
  CHECK(reachable().size() > 1000);
}

TEST_CASE("tunnel: a disconnect ends every reachable state in bounded time", "[unit][tunnel]")
{
  for (const World& start : reachable()) {
    World world = start;
    step(world, DisconnectRequested{});
    if (const auto deadline = world.fsm.next_deadline()) {
      REQUIRE(*deadline <= world.now + kPolicy.drain_timeout);
      world.now = *deadline;
      step(world, TimeAdvanced{});
    }
    REQUIRE(in<Disconnected>(world));
    REQUIRE_FALSE(world.fsm.confirm_until());
    step(world, LockdownChanged{false});
    REQUIRE(world.network == Guard::open);
  }
}

TEST_CASE("tunnel: a connect leads on from every reachable state", "[unit][tunnel]")
{
  for (const World& start : reachable()) {
    World world = start;
    step(world, ConnectRequested{});
    REQUIRE((in<Connecting>(world) || in<Connected>(world)));
    if (in<Connected>(world)) continue;
    const LinkId id{world.last_link};
    step(world, LinkUp{id});
    step(world, InterfaceUp{id});
    REQUIRE(in<Connected>(world));
  }
}

TEST_CASE("tunnel: time alone leads out of every wait", "[unit][tunnel]")
{
  for (const World& start : reachable()) {
    World world = start;
    const auto before = world.fsm.state().index();
    const auto deadline = world.fsm.next_deadline();
    if (!deadline) continue;
    world.now = std::max(world.now, *deadline);
    step(world, TimeAdvanced{});
    REQUIRE(world.fsm.state().index() != before);
  }
}

TEST_CASE("tunnel: keeps its promises on long random ways", "[unit][tunnel]")
{
  std::mt19937_64 random{8};
  for (int way = 0; way < 200; ++way) {
    World world;
    world.fsm = TunnelFsm{RetryPolicy{}, random()};
    for (int i = 0; i < 200; ++i) {
      const auto events = possible_events(world);
      world.now += std::chrono::milliseconds(random() % 20'000);
      step(world, events[random() % events.size()]);
    }
  }
}

}  // namespace slopn
