#include "libtunnel/core/queue/codel.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <vector>

namespace slopn::queue {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kStart{1000s};
constexpr std::size_t kMuch = 100'000;

// When a queue is signalled that is asked once a millisecond from `from` to before `to`.
std::vector<Clock::duration> signals(Codel& codel, Clock::duration from, Clock::duration to,
                                     Clock::duration sojourn, std::size_t behind = kMuch)
{
  std::vector<Clock::duration> times;
  for (Clock::duration at = from; at < to; at += 1ms) {
    if (codel.should_signal({}, kStart + at, sojourn, behind)) times.push_back(at);
  }
  return times;
}

}  // namespace

TEST_CASE("codel: never signals while the delay is below its target", "[unit][queue]")
{
  Codel codel;
  CHECK(signals(codel, 0ms, 10s, 4999us).empty());
}

TEST_CASE("codel: never signals a queue that holds no more than an MTU", "[unit][queue]")
{
  Codel codel;
  CHECK(signals(codel, 0ms, 10s, 1s, 1514).empty());
  CHECK_FALSE(signals(codel, 10s, 11s, 1s, 1515).empty());
}

TEST_CASE("codel: signals first when the delay was too long for an interval", "[unit][queue]")
{
  Codel codel;
  CHECK(signals(codel, 0ms, 150ms, 5ms) == std::vector<Clock::duration>{100ms});
}

TEST_CASE("codel: one packet in time within the interval is enough", "[unit][queue]")
{
  Codel codel;
  CHECK(signals(codel, 0ms, 99ms, 20ms).empty());
  CHECK(signals(codel, 99ms, 100ms, 4ms).empty());
  CHECK(signals(codel, 100ms, 210ms, 20ms) == std::vector<Clock::duration>{200ms});
}

TEST_CASE("codel: pauses are the interval over the square root of the count", "[unit][queue]")
{
  Codel codel;
  const auto times = signals(codel, 0ms, 2s, 20ms);
  REQUIRE(times.size() > 50);
  // The schedule has no rounding of its own; it is read once a millisecond.
  double due_ms = 100;
  for (std::size_t count = 1; count <= times.size(); ++count) {
    const auto seen_ms = std::chrono::duration<double, std::milli>(times[count - 1]).count();
    CHECK(seen_ms >= due_ms - 0.001);
    CHECK(seen_ms < due_ms + 1.001);
    due_ms += 100 / std::sqrt(static_cast<double>(count));
  }
}

TEST_CASE("codel: makes up for signals that were due in a pause", "[unit][queue]")
{
  Codel codel;
  REQUIRE(signals(codel, 0ms, 101ms, 20ms).size() == 1);
  // Due at 200, 270.7, 328.4, 378.4 and 423.2 ms.
  int dropped = 0;
  while (codel.should_signal({}, kStart + 400ms, 20ms, kMuch)) ++dropped;
  CHECK(dropped == 4);
}

TEST_CASE("codel: stops at once when the delay is good again", "[unit][queue]")
{
  Codel codel;
  REQUIRE(signals(codel, 0ms, 500ms, 20ms).size() == 7);
  CHECK(codel.dropping());
  CHECK_FALSE(codel.should_signal({}, kStart + 500ms, 4ms, kMuch));
  CHECK_FALSE(codel.dropping());
  // And then it takes a whole interval again.
  CHECK(signals(codel, 501ms, 601ms, 20ms).empty());
}

TEST_CASE("codel: goes on with its rate of signals when the delay is soon bad again",
          "[unit][queue]")
{
  Codel codel;
  REQUIRE(signals(codel, 0ms, 1s, 20ms).size() == 27);
  REQUIRE(codel.count() == 27);
  CHECK_FALSE(codel.should_signal({}, kStart + 1s, 4ms, kMuch));
  const auto again = signals(codel, 1100ms, 1250ms, 20ms);
  // The count of before less the one that it began with: 100 ms over the square root of 26.
  REQUIRE(again.size() > 2);
  CHECK(again[0] == 1200ms);
  CHECK(again[1] - again[0] == 20ms);
}

TEST_CASE("codel: starts over when the delay was good for long", "[unit][queue]")
{
  Codel codel;
  REQUIRE(signals(codel, 0ms, 1s, 20ms).size() == 27);
  CHECK(signals(codel, 1s, 3s, 4ms).empty());
  const auto again = signals(codel, 3s, 3250ms, 20ms);
  CHECK(again == std::vector<Clock::duration>{3100ms, 3200ms});
}

TEST_CASE("codel: a short dropping state does not make the next one harder", "[unit][queue]")
{
  Codel codel;
  REQUIRE(signals(codel, 0ms, 1s, 20ms).size() == 27);
  CHECK_FALSE(codel.should_signal({}, kStart + 1s, 4ms, kMuch));
  REQUIRE(signals(codel, 1001ms, 1102ms, 20ms).size() == 1);
  CHECK_FALSE(codel.should_signal({}, kStart + 1102ms, 4ms, kMuch));
  // The state before had one signal only, so this one begins with a count of one.
  REQUIRE(signals(codel, 1103ms, 1204ms, 20ms).size() == 1);
  CHECK(codel.count() == 1);
}

}  // namespace slopn::queue
