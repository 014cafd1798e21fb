#include "libtunnel/core/connect_ip_client.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/support/catch_result.hpp"
#include "tests/support/hex.hpp"

namespace slopn {
namespace {

using namespace std::chrono_literals;
using connect_ip::Configured;
using connect_ip::PacketReceived;
using test::hex;
using test::ip;
using test::prefix;

constexpr Clock::time_point kStart{};
constexpr auto kWait = 50ms;

const ByteVector kAssign = hex("01 07 00 04 0a000002 20");        // 10.0.0.2/32, unasked
const ByteVector kRoutes = hex("03 0a 04 00000000 ffffffff 00");  // all of IPv4
const ByteVector kNothing = hex("01 00");                         // no addresses
const ByteVector kAskedFor =
    hex("02 1a 01 04 00000000 20"
        "02 06 00000000000000000000000000000000 80");
const ByteVector kBothRefused =
    hex("01 1a 01 04 00000000 20"
        "02 06 00000000000000000000000000000000 80");

ConnectIpClient accepted(ConnectIpClientOptions options = {})
{
  ConnectIpClient client{std::move(options)};
  client.on_accepted(kStart, kWait);
  return client;
}

// The only event, which must say what is configured.
Configured only_configured(ConnectIpClient& client)
{
  const auto events = client.take_events();
  REQUIRE(events.size() == 1);
  REQUIRE(std::holds_alternative<Configured>(events[0]));
  return std::get<Configured>(events[0]);
}

bool is_error(const Result<>& result, Errc code)
{
  return !result && result.error().code == make_error_code(code);
}

}  // namespace

TEST_CASE("client: waits for addresses that come by themselves", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  CHECK(client.take_output().empty());
  CHECK(client.next_deadline() == kStart + kWait);
  REQUIRE(client.on_stream_data(test::concat(kAssign, kRoutes), kStart + 10ms));
  const Configured configured = only_configured(client);
  CHECK(configured.addresses == std::vector{prefix("10.0.0.2/32")});
  REQUIRE(configured.routes);
  CHECK(*configured.routes == std::vector{wire::IpRange{ip("0.0.0.0"), ip("255.255.255.255"), 0}});
  CHECK_FALSE(client.next_deadline());
  CHECK(client.take_output().empty());  // nothing was asked
}

TEST_CASE("client: asks for both families when none came", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_time(kStart + kWait - 1ms));
  CHECK(client.take_output().empty());
  REQUIRE(client.on_time(kStart + kWait));
  CHECK(client.take_output() == kAskedFor);
  CHECK(client.take_output().empty());
  CHECK(client.next_deadline() == kStart + kWait + ConnectIpClientOptions{}.answer_timeout);
}

TEST_CASE("client: asks for what it wishes", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted({.wishes = {prefix("10.0.0.7/32")}});
  REQUIRE(client.on_time(kStart + kWait));
  CHECK(client.take_output() == hex("02 07 01 04 0a000007 20"));
}

TEST_CASE("client: never asks when told not to", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted({.wishes = {}, .answer_timeout = 1s});
  CHECK(client.next_deadline() == kStart + kWait + 1s);
  CHECK(is_error(client.on_time(kStart + kWait + 1s), Errc::timed_out));
  CHECK(client.take_output().empty());
}

TEST_CASE("client: gives up when nobody answers", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_time(kStart + kWait));
  CHECK(is_error(client.on_time(*client.next_deadline()), Errc::timed_out));
}

TEST_CASE("client: an answer with one family is enough", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_time(kStart + kWait));
  REQUIRE(client.on_stream_data(hex("01 1a 01 04 0a000002 20"
                                    "02 06 00000000000000000000000000000000 80"),
                                kStart + 1s));
  CHECK(only_configured(client).addresses == std::vector{prefix("10.0.0.2/32")});
  CHECK_FALSE(client.next_deadline());
}

TEST_CASE("client: every wish refused means that the pool is exhausted", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_time(kStart + kWait));
  CHECK(is_error(client.on_stream_data(kBothRefused, kStart + 1s), Errc::pool_exhausted));
}

TEST_CASE("client: refusals may come one by one", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_time(kStart + kWait));
  REQUIRE(client.on_stream_data(hex("01 07 01 04 00000000 20"), kStart + 1s));
  CHECK(client.next_deadline());
  CHECK(is_error(
      client.on_stream_data(hex("01 13 02 06 00000000000000000000000000000000 80"), kStart + 1s),
      Errc::pool_exhausted));
}

TEST_CASE("client: a refusal and an address for the other wish go together", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_time(kStart + kWait));
  REQUIRE(client.on_stream_data(hex("01 07 01 04 00000000 20"), kStart + 1s));
  REQUIRE(
      client.on_stream_data(hex("01 13 02 06 fd000000000000000000000000000002 80"), kStart + 1s));
  CHECK(only_configured(client).addresses == std::vector{prefix("fd00::2/128")});
}

TEST_CASE("client: an empty list before the question is no answer", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_stream_data(kNothing, kStart));
  CHECK(client.take_events().empty());
  REQUIRE(client.on_time(kStart + kWait));
  CHECK(client.take_output() == kAskedFor);
}

TEST_CASE("client: each list replaces the one before", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_stream_data(kAssign, kStart));
  CHECK(only_configured(client) == Configured{{prefix("10.0.0.2/32")}, std::nullopt});
  REQUIRE(client.on_stream_data(kRoutes, kStart));
  CHECK(only_configured(client).routes->size() == 1);
  REQUIRE(client.on_stream_data(hex("01 07 00 04 0a000003 20"), kStart));
  CHECK(only_configured(client).addresses == std::vector{prefix("10.0.0.3/32")});
  REQUIRE(client.on_stream_data(hex("03 00"), kStart));
  CHECK(only_configured(client).routes->empty());
}

TEST_CASE("client: says nothing when nothing has changed", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_stream_data(kAssign, kStart));
  (void)client.take_events();
  REQUIRE(client.on_stream_data(kAssign, kStart));
  CHECK(client.take_events().empty());
}

TEST_CASE("client: routes before addresses are kept until there is one", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_stream_data(kRoutes, kStart));
  CHECK(client.take_events().empty());
  REQUIRE(client.on_stream_data(kAssign, kStart));
  CHECK(only_configured(client).routes->size() == 1);
}

TEST_CASE("client: the loss of the last address ends the tunnel", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_stream_data(kAssign, kStart));
  CHECK(is_error(client.on_stream_data(kNothing, kStart), Errc::refused));
}

TEST_CASE("client: addresses may come before the acceptance is noticed", "[unit][connect_ip]")
{
  ConnectIpClient client;
  REQUIRE(client.on_stream_data(kAssign, kStart));
  client.on_accepted(kStart, kWait);
  CHECK_FALSE(client.next_deadline());
  CHECK(only_configured(client).addresses.size() == 1);
}

TEST_CASE("client: refuses what a gateway asks for", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_stream_data(hex("02 07 05 04 00000000 20"), kStart));
  CHECK(client.take_output() == hex("01 07 05 04 00000000 20"));
}

TEST_CASE("client: a gateway may not use a request id twice", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  const ByteVector request = hex("02 07 05 04 00000000 20");
  REQUIRE(client.on_stream_data(request, kStart));
  CHECK(is_error(client.on_stream_data(request, kStart), Errc::protocol_violation));
}

TEST_CASE("client: passes packets from DATAGRAM capsules on", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_stream_data(hex("00 03 00 4500  00 02 02 ff  00 00  00 01 40"), kStart));
  const auto events = client.take_events();
  REQUIRE(events.size() == 1);  // an unknown context, an empty and a broken one are dropped
  CHECK(std::get<PacketReceived>(events[0]).packet == hex("4500"));
}

TEST_CASE("client: skips unknown capsules", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  REQUIRE(client.on_stream_data(hex("9ace79ec 02 ffff"), kStart));
  REQUIRE(client.on_stream_data(kAssign, kStart));
  CHECK(only_configured(client).addresses.size() == 1);
}

TEST_CASE("client: malformed capsules break the protocol", "[unit][connect_ip]")
{
  const auto* text = GENERATE("01 07 00 04 0a000002 21",        // prefix too long
                              "01 06 00 04 0a000002",           // cut off
                              "02 00",                          // empty request
                              "02 07 00 04 00000000 20",        // request id 0
                              "03 0a 04 00000002 00000001 00",  // backwards
                              "03 14 04 00000002 00000003 00 04 00000000 00000001 00",
                              "01 80004001");  // too long
  ConnectIpClient client = accepted();
  const auto result = client.on_stream_data(hex(text), kStart);
  CHECK(is_error(result, Errc::protocol_violation));
  CHECK(client.take_events().empty());
}

TEST_CASE("client: the end of the stream is the end of the tunnel", "[unit][connect_ip]")
{
  ConnectIpClient client = accepted();
  CHECK(is_error(client.on_stream_end(), Errc::peer_closed));
  REQUIRE(client.on_stream_data(hex("01 07 00"), kStart));
  CHECK(is_error(client.on_stream_end(), Errc::protocol_violation));
}

}  // namespace slopn
