#include "libtunnel/core/roaming/clock_watch.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace slopn;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

namespace {

constexpr auto kYear = std::chrono::hours(24 * 365);
constexpr ClockWatchPolicy kPolicy{.period = 2s, .tolerance = 1s, .stall_tolerance = 8s};

struct Host {
  ClockReading clocks{.running = 100s, .passing = 4000s, .wall = 50 * kYear};

  void run(nanoseconds time)
  {
    clocks.running += time;
    sleep(time);
  }
  void sleep(nanoseconds time)
  {
    clocks.passing += time;
    clocks.wall += time;
  }
};

}  // namespace

TEST_CASE("clock watch: clocks that go alike tell nothing", "[unit][roaming]")
{
  ClockWatch watch{kPolicy};
  Host host;
  for (int i = 0; i < 1000; ++i) {
    CHECK_FALSE(watch.on_reading(host.clocks));
    host.run(2s + i * 1ms);
    host.clocks.wall += i % 2 == 0 ? 500ms : -500ms;  // slewed
  }
}

TEST_CASE("clock watch: sleep is told once, with its length", "[unit][roaming]")
{
  ClockWatch watch{kPolicy};
  Host host;
  (void)watch.on_reading(host.clocks);
  const auto length = GENERATE(nanoseconds{2s}, nanoseconds{8h}, nanoseconds{3 * kYear});
  host.run(1s);
  host.sleep(length);
  host.run(1s);
  const auto jump = watch.on_reading(host.clocks);
  REQUIRE(jump);
  CHECK(jump->was_away());
  CHECK(jump->slept == length);
  CHECK(jump->stalled == 0s);
  CHECK(jump->wall_step == 0s);
  host.run(2s);
  CHECK_FALSE(watch.on_reading(host.clocks));
}

TEST_CASE("clock watch: a wall clock that is set, by years and either way, is no sleep",
          "[unit][roaming]")
{
  ClockWatch watch{kPolicy};
  Host host;
  (void)watch.on_reading(host.clocks);
  const auto step = GENERATE(nanoseconds{2s}, nanoseconds{-2s}, nanoseconds{20 * kYear},
                             nanoseconds{-50 * kYear});
  host.run(2s);
  host.clocks.wall += step;
  const auto jump = watch.on_reading(host.clocks);
  REQUIRE(jump);
  CHECK_FALSE(jump->was_away());
  CHECK(jump->wall_step == step);
}

TEST_CASE("clock watch: the wall clock may be set to any value it can hold", "[unit][roaming]")
{
  ClockWatch watch{kPolicy};
  Host host;
  host.clocks.wall = nanoseconds::min();
  (void)watch.on_reading(host.clocks);
  host.clocks.wall = nanoseconds::max();
  host.clocks.running += 2s;
  host.clocks.passing += 2s;
  const auto jump = watch.on_reading(host.clocks);
  REQUIRE(jump);
  CHECK_FALSE(jump->was_away());
  CHECK(jump->wall_step > 100 * kYear);
}

TEST_CASE("clock watch: sleep and a wall clock that was set meanwhile are told apart",
          "[unit][roaming]")
{
  ClockWatch watch{kPolicy};
  Host host;
  (void)watch.on_reading(host.clocks);
  host.sleep(1h);
  host.run(2s);
  host.clocks.wall -= 10 * kYear;
  const auto jump = watch.on_reading(host.clocks);
  REQUIRE(jump);
  CHECK(jump->slept == 1h);
  CHECK(jump->wall_step == -10 * kYear);
}

TEST_CASE("clock watch: a program that was not run for a while was away", "[unit][roaming]")
{
  ClockWatch watch{kPolicy};
  Host host;
  (void)watch.on_reading(host.clocks);
  host.run(10s);  // busy
  CHECK_FALSE(watch.on_reading(host.clocks));
  host.run(1min);
  const auto jump = watch.on_reading(host.clocks);
  REQUIRE(jump);
  CHECK(jump->was_away());
  CHECK(jump->stalled == 1min - 2s);
  CHECK(jump->slept == 0s);
}

TEST_CASE("clock watch: clocks that go back by a fault tell of no sleep", "[unit][roaming]")
{
  ClockWatch watch{kPolicy};
  Host host;
  (void)watch.on_reading(host.clocks);
  host.clocks.passing -= 1h;
  host.clocks.wall -= 1h;
  CHECK_FALSE(watch.on_reading(host.clocks));
}
