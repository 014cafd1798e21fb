#include "libtunnel/io/alarm.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch_test_macros.hpp>

namespace slopn::io {
namespace {

using namespace std::chrono_literals;

// Waits for the alarm, with all that `meanwhile` does once the wait has begun.
template <class Function>
Clock::duration time_until_it_rings(Alarm& alarm, asio::io_context& io, Function meanwhile)
{
  const auto start = Clock::now();
  auto rang = asio::co_spawn(io, alarm.wait(), asio::use_future);
  io.poll();
  meanwhile();
  io.run();
  REQUIRE(rang.get());
  return Clock::now() - start;
}

}  // namespace

TEST_CASE("alarm: rings after its time, and not before its granularity", "[unit][io]")
{
  asio::io_context io;
  Alarm alarm{io.get_executor()};
  alarm.set(Clock::now());
  CHECK(time_until_it_rings(alarm, io, [] {}) >= Alarm::kGranularity);
  io.restart();
  alarm.set(Clock::now() + 20ms);
  CHECK(time_until_it_rings(alarm, io, [] {}) >= 20ms);
}

TEST_CASE("alarm: an earlier time counts while somebody waits", "[unit][io]")
{
  asio::io_context io;
  Alarm alarm{io.get_executor()};
  alarm.set(Clock::now() + 1h);
  CHECK(time_until_it_rings(alarm, io, [&] { alarm.set(Clock::now() + 5ms); }) < 1h);
}

TEST_CASE("alarm: a later time counts too", "[unit][io]")
{
  asio::io_context io;
  Alarm alarm{io.get_executor()};
  alarm.set(Clock::now() + 5ms);
  CHECK(time_until_it_rings(alarm, io, [&] { alarm.set(Clock::now() + 30ms); }) >= 30ms);
}

TEST_CASE("alarm: a precise one rings at once when its time has come", "[unit][io]")
{
  asio::io_context io;
  Alarm alarm{io.get_executor()};
  alarm.be_precise(true);
  alarm.set(Clock::now());
  CHECK(time_until_it_rings(alarm, io, [] {}) < 1s);
}

}  // namespace slopn::io
