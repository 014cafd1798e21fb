#include "libtunnel/core/roaming/path_health.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace slopn;
using namespace std::chrono_literals;

namespace {

constexpr Clock::time_point kStart{1h};
constexpr HealthPolicy kPolicy{.patience = 3s, .doubt = 1500ms, .confirmation = 1s};
constexpr auto kQuickPath = 50ms;  // a probe time-out
using Verdict = PathHealth::Verdict;

PathHealth waiting()
{
  PathHealth health{kPolicy};
  health.note(true, true, kQuickPath, kStart);
  return health;
}

}  // namespace

TEST_CASE("path health: silence means nothing while no answer is due", "[unit][roaming]")
{
  PathHealth health{kPolicy};
  CHECK_FALSE(health.last_heard());
  health.note(true, false, kQuickPath, kStart);
  CHECK(health.next_deadline() == Clock::time_point::max());
  CHECK(health.on_time(kStart + 1h) == Verdict::good);
  CHECK(health.last_heard() == kStart);
}

TEST_CASE("path health: asks after half of the time, and gives up after all of it",
          "[unit][roaming]")
{
  PathHealth health = waiting();
  CHECK(health.next_deadline() == kStart + 1500ms);
  CHECK(health.on_time(kStart + 1499ms) == Verdict::good);
  CHECK(health.on_time(kStart + 1500ms) == Verdict::ask);
  CHECK(health.on_time(kStart + 1500ms) == Verdict::good);  // once is enough
  CHECK(health.next_deadline() == kStart + 3s);
  CHECK(health.on_time(kStart + 3s) == Verdict::silent);
}

TEST_CASE("path health: every sign of life starts the time anew", "[unit][roaming]")
{
  PathHealth health = waiting();
  for (Clock::time_point now = kStart; now < kStart + 1min; now += 1s)
    health.note(true, true, kQuickPath, now);
  CHECK(health.on_time(kStart + 60s) == Verdict::good);
  CHECK(health.next_deadline() == kStart + 59s + 1500ms);
  CHECK(health.last_heard() == kStart + 59s);
}

TEST_CASE("path health: what is sent later does not start the time anew", "[unit][roaming]")
{
  PathHealth health = waiting();
  for (auto later = 100ms; later < 3s; later += 100ms)
    health.note(false, true, kQuickPath, kStart + later);
  CHECK(health.on_time(kStart + 3s) == Verdict::silent);
}

TEST_CASE("path health: a slow path is given four probe time-outs", "[unit][roaming]")
{
  PathHealth health{kPolicy};
  health.note(false, true, 2s, kStart);
  CHECK(health.on_time(kStart + 3999ms) == Verdict::good);
  CHECK(health.on_time(kStart + 4s) == Verdict::ask);
  CHECK(health.on_time(kStart + 7999ms) == Verdict::good);
  CHECK(health.on_time(kStart + 8s) == Verdict::silent);
}

TEST_CASE("path health: doubt shortens the patience, and never prolongs it", "[unit][roaming]")
{
  SECTION("from calm")
  {
    PathHealth health{kPolicy};
    health.note(true, false, kQuickPath, kStart);
    health.on_doubt(kStart);
    CHECK(health.on_time(kStart + 750ms) == Verdict::ask);
    CHECK(health.on_time(kStart + 1500ms) == Verdict::silent);
  }
  SECTION("while an answer is due")
  {
    PathHealth health = waiting();
    health.on_doubt(kStart + 1s);
    CHECK(health.on_time(kStart + 2500ms) == Verdict::silent);
  }
  SECTION("again and again")
  {
    PathHealth health = waiting();
    for (auto later = 0ms; later < 1500ms; later += 100ms) health.on_doubt(kStart + later);
    CHECK(health.on_time(kStart + 1500ms) == Verdict::silent);
  }
  SECTION("until something is heard")
  {
    PathHealth health = waiting();
    health.on_doubt(kStart);
    health.note(true, false, kQuickPath, kStart + 1s);
    CHECK(health.next_deadline() == Clock::time_point::max());
  }
}

TEST_CASE("path health: a new path must be confirmed, whatever comes over the old one",
          "[unit][roaming]")
{
  PathHealth health = waiting();
  health.on_moved(kStart + 1s);
  health.note(true, true, kQuickPath, kStart + 1900ms);
  CHECK(health.on_time(kStart + 1999ms) == Verdict::good);
  SECTION("else it is dead")
  {
    CHECK(health.on_time(kStart + 2s) == Verdict::not_confirmed);
  }
  SECTION("and is like any other then")
  {
    health.on_confirmed(kStart + 1950ms);
    health.note(true, true, kQuickPath, kStart + 1950ms);
    CHECK(health.on_time(kStart + 2s) == Verdict::good);
    CHECK(health.on_time(kStart + 1950ms + 3s) == Verdict::silent);
  }
  SECTION("and doubt does not make it better")
  {
    health.on_doubt(kStart + 1950ms);
    CHECK(health.on_time(kStart + 2s) == Verdict::not_confirmed);
  }
}

TEST_CASE("path health: a host without a way gives up in time, unless one comes", "[unit][roaming]")
{
  PathHealth health = waiting();
  health.on_no_way(kStart + 1s);
  health.on_no_way(kStart + 2s);  // the first time counts
  CHECK(health.on_time(kStart + 3999ms) == Verdict::good);
  SECTION("none comes")
  {
    CHECK(health.on_time(kStart + 4s) == Verdict::no_way);
  }
  SECTION("another path")
  {
    health.on_moved(kStart + 3999ms);
    CHECK(health.on_time(kStart + 4s) == Verdict::good);
    CHECK(health.next_deadline() == kStart + 4999ms);
  }
  SECTION("a packet that was on its way")
  {
    health.note(true, false, kQuickPath, kStart + 3s);
    CHECK(health.next_deadline() == Clock::time_point::max());
  }
}
