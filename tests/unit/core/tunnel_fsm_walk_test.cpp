#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libtunnel/base/overloaded.hpp"
#include "libtunnel/core/tunnel_fsm.hpp"

// Goes through every state the machine can reach with every event, and checks after each step what
// must hold always. The other tests say what happens; these say what never does.

namespace slopn {
namespace {

using namespace std::chrono_literals;
using namespace tunnel;

constexpr Clock::time_point kStart{};
constexpr int kDepth = 6;

// What a driver would know: it only sees actions.
struct World {
  TunnelFsm fsm{RetryPolicy{}, 7};
  Clock::time_point now = kStart;
  bool interface_up = false;
  std::set<std::uint32_t> live_links;  // started, and neither lost, drained nor dropped
  std::uint32_t last_link = 0;
};

struct Check {
  World& world;

  void operator()(const StartLink& a) const
  {
    const auto id = static_cast<std::uint32_t>(a.id);
    REQUIRE(id == world.last_link + 1);  // never used twice
    REQUIRE(world.live_links.empty());   // one link at a time
    world.last_link = id;
    world.live_links.insert(id);
  }
  void operator()(const BringInterfaceUp& a) const
  {
    REQUIRE(world.live_links.contains(static_cast<std::uint32_t>(a.id)));
    world.interface_up = true;
  }
  void operator()(const DropLink& a) const
  {
    REQUIRE(world.live_links.erase(static_cast<std::uint32_t>(a.id)) == 1);
  }
  void operator()(const TakeInterfaceDown&) const
  {
    REQUIRE(world.interface_up);
    world.interface_up = false;
    const bool closing = std::holds_alternative<Closing>(world.fsm.state());
    REQUIRE((closing || std::holds_alternative<Closed>(world.fsm.state())));
  }
  void operator()(const StartDrain& a) const
  {
    REQUIRE(world.live_links.contains(static_cast<std::uint32_t>(a.id)));
  }
};

void check_invariants(const World& world)
{
  const auto deadline = world.fsm.next_deadline();
  const State& state = world.fsm.state();
  const bool waits = std::holds_alternative<Connecting>(state) ||
                     std::holds_alternative<Backoff>(state) ||
                     std::holds_alternative<Closing>(state);
  REQUIRE(deadline.has_value() == waits);  // every wait has a deadline
  std::visit(Overloaded{
                 [&](const Idle&) { REQUIRE_FALSE(world.interface_up); },
                 [&](const Connecting& s) {
                   REQUIRE((s.interface == Interface::up) == world.interface_up);
                   REQUIRE(world.live_links.size() == 1);
                 },
                 [&](const Online&) {
                   REQUIRE(world.interface_up);
                   REQUIRE(world.live_links.size() == 1);
                 },
                 [&](const Backoff& s) {
                   REQUIRE((s.interface == Interface::up) == world.interface_up);
                   REQUIRE(world.live_links.empty());
                   REQUIRE(is_retryable(s.reason.code));
                 },
                 [&](const Closing&) {
                   REQUIRE_FALSE(world.interface_up);
                   REQUIRE(world.live_links.size() == 1);
                 },
                 [&](const Closed& s) {
                   REQUIRE_FALSE(world.interface_up);
                   REQUIRE(world.live_links.empty());
                   REQUIRE((!s.reason || !is_retryable(s.reason->code)));
                 },
             },
             state);
}

// A driver only reports about links that live; what it says about dead ones is a late answer.
void note(World& world, const Event& event)
{
  if (const auto* lost = std::get_if<LinkLost>(&event))
    world.live_links.erase(static_cast<std::uint32_t>(lost->id));
  if (const auto* done = std::get_if<DrainDone>(&event);
      done != nullptr && std::holds_alternative<Closing>(world.fsm.state()))
    world.live_links.erase(static_cast<std::uint32_t>(done->id));
}

void step(World& world, const Event& event)
{
  note(world, event);
  for (const Action& action : world.fsm.on_event(event, world.now))
    std::visit(Check{world}, action);
  check_invariants(world);
}

std::vector<Event> possible_events(const World& world)
{
  const LinkId current{world.last_link};
  const LinkId late{world.last_link > 0 ? world.last_link - 1 : 0};
  const Error retryable = fail(Errc::unreachable, "walk");
  const Error terminal = fail(Errc::identity_mismatch, "walk");
  std::vector<Event> events{ConnectRequested{}, StopRequested{}, TimeAdvanced{}, LinkUp{late},
                            LinkLost{late, terminal}};
  // A live link answers once; a dead one may still do so late, which is `late` above.
  if (!world.live_links.empty()) {
    events.push_back(LinkUp{current});
    events.push_back(LinkLost{current, retryable});
    events.push_back(LinkLost{current, terminal});
    if (std::holds_alternative<Closing>(world.fsm.state())) events.push_back(DrainDone{current});
  }
  if (std::holds_alternative<Closing>(world.fsm.state())) events.push_back(DrainDone{late});
  return events;
}

void walk(const World& world, int depth, std::set<std::size_t>& seen_states)
{
  seen_states.insert(world.fsm.state().index());
  if (depth == 0) return;
  for (const Event& event : possible_events(world)) {
    World next = world;
    step(next, event);
    walk(next, depth - 1, seen_states);
  }
  if (const auto deadline = world.fsm.next_deadline()) {
    World next = world;
    next.now = *deadline;
    step(next, TimeAdvanced{});
    walk(next, depth - 1, seen_states);
  }
}

}  // namespace

TEST_CASE("tunnel: keeps its promises on every way of six events", "[unit][tunnel]")
{
  std::set<std::size_t> seen_states;
  walk(World{}, kDepth, seen_states);
  CHECK(seen_states.size() == std::variant_size_v<State>);
}

TEST_CASE("tunnel: keeps its promises on long random ways", "[unit][tunnel]")
{
  std::mt19937_64 random{8};
  for (int way = 0; way < 200; ++way) {
    World world;
    for (int i = 0; i < 200; ++i) {
      const auto events = possible_events(world);
      world.now += std::chrono::milliseconds(random() % 20'000);
      step(world, events[random() % events.size()]);
    }
  }
}

TEST_CASE("tunnel: a stop request ends every state in bounded time", "[unit][tunnel]")
{
  std::mt19937_64 random{9};
  std::map<std::size_t, int> stopped_in;
  for (int way = 0; way < 2000; ++way) {
    World world;
    for (std::uint64_t i = 0; i < random() % 8; ++i) {
      const auto events = possible_events(world);
      world.now += std::chrono::milliseconds(random() % 20'000);
      step(world, events[random() % events.size()]);
    }
    ++stopped_in[world.fsm.state().index()];
    step(world, StopRequested{});
    if (const auto deadline = world.fsm.next_deadline()) {
      REQUIRE(*deadline <= world.now + RetryPolicy{}.drain_timeout);
      world.now = *deadline;
      step(world, TimeAdvanced{});
    }
    REQUIRE(std::holds_alternative<Closed>(world.fsm.state()));
  }
  CHECK(stopped_in.size() == std::variant_size_v<State>);
}

}  // namespace slopn
