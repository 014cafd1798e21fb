#include "cli/format/measurements.hpp"

#include <catch2/catch_test_macros.hpp>

#include "cli/measure/target.hpp"
#include "tests/unit/cli/status_samples.hpp"

namespace {

using namespace slopn;
using namespace std::chrono_literals;
using std::chrono::microseconds;

constexpr cli::EchoLog::Instant kStart{};

cli::EchoResult echoes()
{
  return {10, 8, cli::summarize({100us, 200us, 300us, 400us, 500us, 600us, 700us, 40'000us})};
}

cli::SpeedResult speed()
{
  cli::SpeedResult result;
  result.gateway = "10.8.0.1:5202";
  result.interface_name = "slopn0";
  result.streams = 4;
  result.idle = {20, 20, cli::summarize({250us})};
  result.download = cli::DirectionResult{{1'053'875'000, 10'000'000us, 843'100'000}, echoes()};
  return result;
}

ByteVector reply_to(const measure::Echo& request)
{
  const auto bytes =
      measure::format(measure::Echo{measure::Echo::Kind::reply, request.test, request.sequence});
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("latency: nothing has no summary", "[unit][cli]")
{
  CHECK_FALSE(cli::summarize({}));
}

TEST_CASE("latency: one value is everything", "[unit][cli]")
{
  CHECK(cli::summarize({7us}) == cli::LatencySummary{7us, 7us, 7us, 0us, 7us, 7us});
}

TEST_CASE("latency: the 99th percentile leaves out one in a hundred", "[unit][cli]")
{
  std::vector<microseconds> values;
  for (int i = 200; i > 0; --i) values.emplace_back(i);
  const auto summary = cli::summarize(values);
  REQUIRE(summary);
  CHECK(summary->min == 1us);
  CHECK(summary->median == 100us);
  CHECK(summary->average == 101us);  // 100.5
  CHECK(summary->p99 == 198us);
  CHECK(summary->max == 200us);
  CHECK(summary->deviation == 58us);  // sqrt((200^2 - 1) / 12)
}

TEST_CASE("echo log: a reply is matched with its request", "[unit][cli]")
{
  cli::EchoLog log{42};
  const auto first = log.next(kStart);
  const auto second = log.next(kStart + 10ms);
  CHECK(first == measure::Echo{measure::Echo::Kind::request, 42, 1});
  const auto late = log.take(reply_to(second), kStart + 15ms);
  REQUIRE(late);
  CHECK(late->sequence == 2);
  CHECK(late->round_trip == 5ms);
  CHECK_FALSE(log.all_answered());
  CHECK(log.take(reply_to(first), kStart + 30ms)->round_trip == 30ms);
  CHECK(log.all_answered());
  CHECK(log.result().lost() == 0);
}

TEST_CASE("echo log: what answers none of its requests is ignored", "[unit][cli]")
{
  cli::EchoLog log{42};
  const auto request = log.next(kStart);
  const auto bytes = measure::format(request);
  CHECK_FALSE(log.take(bytes, kStart));                            // not a reply
  CHECK_FALSE(log.take(reply_to({request.kind, 43, 1}), kStart));  // another test
  CHECK_FALSE(log.take(reply_to({request.kind, 42, 0}), kStart));
  CHECK_FALSE(log.take(reply_to({request.kind, 42, 2}), kStart));  // not sent yet
  CHECK_FALSE(log.take(as_bytes("garbage"), kStart));
  CHECK(log.take(reply_to(request), kStart + 1ms));
  CHECK_FALSE(log.take(reply_to(request), kStart + 2ms));  // twice
  CHECK(log.result().received == 1);
}

TEST_CASE("measurements: rates and times keep three digits or more", "[unit][cli]")
{
  CHECK(cli::rate_text(0) == "0.00 Mbit/s");
  CHECK(cli::rate_text(1'234'000) == "1.23 Mbit/s");
  CHECK(cli::rate_text(843'149'000) == "843.1 Mbit/s");
  CHECK(cli::milliseconds_text(213us) == "0.213 ms");
  CHECK(cli::milliseconds_text(12'345us) == "12.35 ms");
  CHECK(cli::milliseconds_text(1'234'567us) == "1234.6 ms");
  CHECK(cli::rate_of(1'000'000, 1s) == 8'000'000);
  CHECK(cli::rate_of(1'000'000, 0us) == 0);
}

TEST_CASE("measurements: a speed test for people", "[unit][cli]")
{
  CHECK(cli::speed_text(speed(), cli::Style{cli::Colour::off}) ==
        "  download      843.1 Mbit/s\n"
        "  latency idle  median 0.250 ms, 99% within 0.250 ms, lost 0 of 20\n"
        "  latency down  median 0.400 ms, 99% within 40.00 ms, lost 2 of 10\n");
}

TEST_CASE("measurements: a speed test for programs", "[unit][cli]")
{
  using Json = nlohmann::json;
  CHECK(Json::parse(to_text(cli::to_json(speed()), cli::Layout::lines)) == Json::parse(R"({
    "gateway": "10.8.0.1:5202", "interface_name": "slopn0", "streams": 4,
    "idle": {"packets_sent": 20, "packets_lost": 0, "latency_us":
      {"min": 250, "avg": 250, "median": 250, "p99": 250, "max": 250, "mdev": 0}},
    "download": {"rate_bits_per_s": 843100000, "bytes": 1053875000, "duration_ms": 10000,
      "packets_sent": 10, "packets_lost": 2, "latency_us": {"min": 100, "avg": 5350,
      "median": 400, "p99": 40000, "max": 40000, "mdev": 13098}},
    "upload": null})"));
}

TEST_CASE("measurements: a ping for people and for programs", "[unit][cli]")
{
  const cli::Style plain{cli::Colour::off};
  CHECK(cli::reply_line("10.8.0.1", {3, 213us}) == "reply from 10.8.0.1: seq=3 time=0.213 ms");
  CHECK(cli::ping_text({"10.8.0.1:5202", "slopn0", echoes()}, plain) ==
        "10 sent, 8 received, 20.0% lost\n"
        "round trip min/avg/max/mdev = 0.100/5.350/40.000/13.098 ms\n");
  const cli::PingResult silent{"10.8.0.1:5202", "slopn0", {4, 0, std::nullopt}};
  CHECK(cli::ping_text(silent, plain) == "4 sent, 0 received, 100% lost\n");
  const auto document = cli::to_json(silent);
  CHECK(document["latency_us"].is_null());
  CHECK(document["packets_lost"] == 4);
}

TEST_CASE("measurements: the target is the first endpoint that slopnd names", "[unit][cli]")
{
  const auto target = cli::measure_target(test::connected_sample());
  REQUIRE(target.has_value());
  CHECK(target->gateway.to_string() == "10.8.0.1:5202");
  CHECK(target->interface_name == "slopn0");
  CHECK(target->addresses.size() == 2);
}

TEST_CASE("measurements: without a tunnel or an offer there is no target", "[unit][cli]")
{
  CHECK(cli::measure_target(test::disconnected_sample()).error().exit ==
        cli::ExitCode::not_connected);
  CHECK(cli::measure_target(test::connecting_sample()).error().reason == "not_connected");
  CHECK(cli::measure_target(test::gateway_sample()).error().reason == "invalid_argument");
  auto status = test::connected_sample();
  status.mutable_client()->mutable_connected()->clear_measurement_endpoints();
  CHECK(cli::measure_target(status).error().reason == "not_offered");
}
