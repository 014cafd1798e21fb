#include "cli/format/values.hpp"

#include <stdlib.h>

#include <catch2/catch_test_macros.hpp>
#include <ctime>
#include <limits>

using namespace slopn::cli;
using namespace std::chrono_literals;

TEST_CASE("values: bytes are given in the largest unit that fits", "[unit][cli]")
{
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(1024) == "1.0 KiB");
  CHECK(human_bytes(1536) == "1.5 KiB");
  CHECK(human_bytes(1024 * 1024 - 1) == "1.0 MiB");  // never "1024.0 KiB"
  CHECK(human_bytes(5ULL << 40U) == "5.0 TiB");
  CHECK(human_bytes(std::numeric_limits<std::uint64_t>::max()) == "16.0 EiB");
}

TEST_CASE("values: counts are grouped by thousands", "[unit][cli]")
{
  CHECK(human_count(0) == "0");
  CHECK(human_count(999) == "999");
  CHECK(human_count(1000) == "1,000");
  CHECK(human_count(1'234'567) == "1,234,567");
  CHECK(human_count(100'000) == "100,000");
}

TEST_CASE("values: durations show their two largest units", "[unit][cli]")
{
  CHECK(human_duration(-5s) == "0 s");
  CHECK(human_duration(45s) == "45 s");
  CHECK(human_duration(60s) == "1 min");
  CHECK(human_duration(200s) == "3 min 20 s");
  CHECK(human_duration(2h + 5min + 9s) == "2 h 5 min");
  CHECK(human_duration(24h * 12 + 3h) == "12 d 3 h");
}

TEST_CASE("values: latencies keep three digits", "[unit][cli]")
{
  CHECK(human_latency(85us) == "85 us");
  CHECK(human_latency(12'345us) == "12.3 ms");
  CHECK(human_latency(999'960us) == "1.00 s");
  CHECK(human_latency(1500ms) == "1.50 s");
}

TEST_CASE("values: times are UTC for programs and local for people", "[unit][cli]")
{
  const char* const before = ::getenv("TZ");
  const std::string saved = before != nullptr ? before : "";
  ::setenv("TZ", "CET-1", 1);
  ::tzset();
  const auto time = std::chrono::system_clock::time_point{} + 1'763'726'592s + 250ms;
  CHECK(utc_time(time) == "2025-11-21T12:03:12.250Z");
  CHECK(local_time(time) == "2025-11-21 13:03:12");
  saved.empty() ? ::unsetenv("TZ") : ::setenv("TZ", saved.c_str(), 1);
  ::tzset();
}

TEST_CASE("values: absurd times from a daemon do not overflow", "[unit][cli]")
{
  google::protobuf::Timestamp time;
  time.set_seconds(std::numeric_limits<std::int64_t>::max());
  time.set_nanos(std::numeric_limits<std::int32_t>::max());
  CHECK(utc_time(to_time(time)).starts_with("2262-"));
  time.set_seconds(std::numeric_limits<std::int64_t>::min());
  time.set_nanos(-1);
  CHECK(utc_time(to_time(time)).starts_with("1677-"));

  google::protobuf::Duration duration;
  duration.set_seconds(std::numeric_limits<std::int64_t>::max());
  CHECK(to_duration(duration) > 0s);
}
