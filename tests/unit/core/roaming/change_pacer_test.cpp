#include "libtunnel/core/roaming/change_pacer.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace slopn;
using namespace std::chrono_literals;

namespace {

constexpr Clock::time_point kStart{1h};
constexpr PacerPolicy kPolicy{.quiet = 100ms, .longest = 400ms, .burst = 4, .refill = 5s};

// A network whose way is another one after every `interval`. Returns how often one moved.
unsigned moves_in(Clock::duration time, Clock::duration interval)
{
  ChangePacer pacer{kPolicy};
  unsigned moves = 0;
  unsigned way = 0;
  unsigned used = 0;
  Clock::time_point flap = kStart;
  for (Clock::time_point now = kStart; now < kStart + time; now += 1ms) {
    if (now >= flap) {
      way = 1 - way;
      flap += interval;
      pacer.on_event(now);
    }
    if (!pacer.should_look(now) || way == used) continue;
    used = way;
    ++moves;
    pacer.on_move(now);
  }
  return moves;
}

}  // namespace

TEST_CASE("change pacer: nothing happens without an event", "[unit][roaming]")
{
  ChangePacer pacer{kPolicy};
  CHECK(pacer.next_deadline() == Clock::time_point::max());
  CHECK_FALSE(pacer.should_look(kStart + 1h));
}

TEST_CASE("change pacer: looks when the events have stopped, once", "[unit][roaming]")
{
  ChangePacer pacer{kPolicy};
  for (auto after = 0ms; after <= 200ms; after += 50ms) pacer.on_event(kStart + after);
  CHECK(pacer.next_deadline() == kStart + 300ms);
  CHECK_FALSE(pacer.should_look(kStart + 299ms));
  CHECK(pacer.should_look(kStart + 300ms));
  CHECK_FALSE(pacer.should_look(kStart + 300ms));
  CHECK(pacer.next_deadline() == Clock::time_point::max());
}

TEST_CASE("change pacer: events that never stop are looked at all the same", "[unit][roaming]")
{
  ChangePacer pacer{kPolicy};
  unsigned looks = 0;
  for (auto after = 0ms; after < 4s; after += 10ms) {
    pacer.on_event(kStart + after);
    if (pacer.should_look(kStart + after)) ++looks;
  }
  CHECK(looks >= 9);
  CHECK(looks <= 10);
}

TEST_CASE("change pacer: looks that lead to nothing are free", "[unit][roaming]")
{
  ChangePacer pacer{kPolicy};
  for (auto after = 0s; after < 100s; after += 1s) {
    pacer.on_event(kStart + after);
    REQUIRE(pacer.should_look(kStart + after + 100ms));
  }
}

TEST_CASE("change pacer: a few moves are as fast as the network, then one in five seconds",
          "[unit][roaming]")
{
  ChangePacer pacer{kPolicy};
  Clock::time_point now = kStart;
  for (int i = 0; i < 4; ++i) {
    pacer.on_event(now);
    now += 100ms;
    REQUIRE(pacer.should_look(now));
    pacer.on_move(now);
  }
  pacer.on_event(now);
  CHECK(pacer.next_deadline() == kStart + 100ms + 5s);
  CHECK_FALSE(pacer.should_look(kStart + 5s));
  CHECK(pacer.should_look(kStart + 5100ms));
}

TEST_CASE("change pacer: after a calm time everything is as in the beginning", "[unit][roaming]")
{
  ChangePacer pacer{kPolicy};
  for (int i = 0; i < 4; ++i) pacer.on_move(kStart);
  const auto later = kStart + 20s;
  for (int i = 0; i < 4; ++i) {
    pacer.on_event(later);
    REQUIRE(pacer.should_look(later + 100ms));
    pacer.on_move(later + 100ms);
  }
}

TEST_CASE("change pacer: an address that flaps a hundred times a minute causes few moves",
          "[unit][roaming]")
{
  CHECK(moves_in(1min, 600ms) <= 16);
  CHECK(moves_in(1min, 6ms) <= 16);
  CHECK(moves_in(1min, 20s) == 3);  // what is no flapping is followed
}
