#include "libtunnel/core/connect_ip_gateway.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/support/catch_result.hpp"
#include "tests/support/hex.hpp"

namespace slopn {
namespace {

using connect_ip::PacketReceived;
using test::hex;
using test::ip;
using test::prefix;

constexpr Clock::time_point kNow{};

const std::vector<wire::IpRange> kAllOfV4 = {{ip("0.0.0.0"), ip("255.255.255.255"), 0}};
const ByteVector kV4Announcement = hex("01 07 00 04 0a000002 20  03 0a 04 00000000 ffffffff 00");

ConnectIpGateway with_v4()
{
  return ConnectIpGateway{{.addresses = {prefix("10.0.0.2/32")}, .routes = kAllOfV4}};
}

ConnectIpGateway with_both()
{
  ConnectIpGateway gateway{
      {.addresses = {prefix("10.0.0.2/32"), prefix("fd00::2/128")}, .routes = kAllOfV4}};
  gateway.on_accepted();
  (void)gateway.take_output();
  return gateway;
}

bool is_violation(const Result<>& result)
{
  return !result && result.error().code == make_error_code(Errc::protocol_violation);
}

}  // namespace

TEST_CASE("gateway: announces addresses and routes when it accepts", "[unit][connect_ip]")
{
  ConnectIpGateway gateway = with_v4();
  CHECK(gateway.take_output().empty());
  gateway.on_accepted();
  CHECK(gateway.take_output() == kV4Announcement);
  gateway.on_accepted();
  CHECK(gateway.take_output().empty());
}

TEST_CASE("gateway: data from the client implies the acceptance", "[unit][connect_ip]")
{
  ConnectIpGateway gateway = with_v4();
  REQUIRE(gateway.on_stream_data(hex("29 00"), kNow));
  CHECK(gateway.take_output() == kV4Announcement);
}

TEST_CASE("gateway: answers a request with its id and the leased address", "[unit][connect_ip]")
{
  ConnectIpGateway gateway = with_both();
  REQUIRE(gateway.on_stream_data(hex("02 07 05 04 00000000 20"), kNow));
  CHECK(gateway.take_output() ==
        hex("01 1a 05 04 0a000002 20  00 06 fd000000000000000000000000000002 80"));
}

TEST_CASE("gateway: answers a wish for another address with the leased one", "[unit][connect_ip]")
{
  ConnectIpGateway gateway = with_both();
  REQUIRE(gateway.on_stream_data(hex("02 07 01 04 c0a80000 18"), kNow));
  CHECK(gateway.take_output() ==
        hex("01 1a 01 04 0a000002 20  00 06 fd000000000000000000000000000002 80"));
}

TEST_CASE("gateway: refuses a family it has no address of, once", "[unit][connect_ip]")
{
  ConnectIpGateway gateway = with_v4();
  gateway.on_accepted();
  (void)gateway.take_output();
  REQUIRE(gateway.on_stream_data(
      hex("02 1a 01 04 00000000 20  02 06 00000000000000000000000000000000 80"), kNow));
  CHECK(gateway.take_output() ==
        hex("01 1a 01 04 0a000002 20  02 06 00000000000000000000000000000000 80"));

  // The next list does not repeat the refusal, and the address keeps its latest request.
  REQUIRE(gateway.on_stream_data(hex("02 07 03 04 00000000 20"), kNow));
  CHECK(gateway.take_output() == hex("01 07 03 04 0a000002 20"));
}

TEST_CASE("gateway: one address answers one request of a capsule", "[unit][connect_ip]")
{
  ConnectIpGateway gateway = with_v4();
  gateway.on_accepted();
  (void)gateway.take_output();
  REQUIRE(gateway.on_stream_data(hex("02 0e 01 04 00000000 20 02 04 00000000 20"), kNow));
  CHECK(gateway.take_output() == hex("01 0e 01 04 0a000002 20 02 04 00000000 20"));
}

TEST_CASE("gateway: prefers the address that a request names", "[unit][connect_ip]")
{
  ConnectIpGateway gateway{
      {.addresses = {prefix("10.0.0.2/32"), prefix("10.0.0.3/32")}, .routes = {}}};
  gateway.on_accepted();
  (void)gateway.take_output();
  REQUIRE(gateway.on_stream_data(hex("02 07 01 04 0a000003 20"), kNow));
  CHECK(gateway.take_output() == hex("01 0e 00 04 0a000002 20 01 04 0a000003 20"));
}

TEST_CASE("gateway: no request id may be used twice", "[unit][connect_ip]")
{
  ConnectIpGateway gateway = with_both();
  REQUIRE(gateway.on_stream_data(hex("02 07 05 04 00000000 20"), kNow));
  CHECK(is_violation(gateway.on_stream_data(hex("02 07 05 04 00000000 20"), kNow)));
}

TEST_CASE("gateway: turns a client away that asks for ever", "[unit][connect_ip]")
{
  ConnectIpGateway gateway = with_both();
  std::size_t answered = 0;
  for (std::uint64_t id = 1; id <= 2000; ++id) {
    ByteVector request;
    wire::append_address_request(request,
                                 std::vector{wire::RequestedAddress{id, prefix("0.0.0.0/32")}});
    const auto result = gateway.on_stream_data(request, kNow);
    if (!result) {
      CHECK(is_violation(result));
      break;
    }
    ++answered;
  }
  CHECK(answered == RequestIdLog::kMaxRequests);
  CHECK(gateway.take_output().size() < 64 * 1024);
}

TEST_CASE("gateway: announces a changed offer, and only what changed", "[unit][connect_ip]")
{
  ConnectIpGateway gateway = with_v4();
  gateway.on_accepted();
  (void)gateway.take_output();
  gateway.change_offer({.addresses = {prefix("10.0.0.2/32")}, .routes = kAllOfV4});
  CHECK(gateway.take_output().empty());
  gateway.change_offer({.addresses = {prefix("10.0.0.2/32")}, .routes = {}});
  CHECK(gateway.take_output() == hex("03 00"));
  gateway.change_offer({.addresses = {}, .routes = {}});
  CHECK(gateway.take_output() == hex("01 00"));
}

TEST_CASE("gateway: puts its routes in order", "[unit][connect_ip]")
{
  ConnectIpGateway gateway{
      {.addresses = {},
       .routes = {wire::range_of(prefix("10.1.0.0/16")), wire::range_of(prefix("10.0.0.0/16"))}}};
  gateway.on_accepted();
  CHECK(gateway.take_output() == hex("01 00  03 0a 04 0a000000 0a01ffff 00"));
}

TEST_CASE("gateway: accepts what a client offers, and uses none of it", "[unit][connect_ip]")
{
  ConnectIpGateway gateway = with_both();
  REQUIRE(
      gateway.on_stream_data(hex("01 07 00 04 c00002c8 20  03 0a 04 c0000200 c00002ff 00"), kNow));
  CHECK(gateway.take_output().empty());
  CHECK(gateway.take_events().empty());
}

TEST_CASE("gateway: passes packets from DATAGRAM capsules on", "[unit][connect_ip]")
{
  ConnectIpGateway gateway = with_both();
  REQUIRE(gateway.on_stream_data(hex("00 03 00 4500  00 02 02 ff"), kNow));
  const auto events = gateway.take_events();
  REQUIRE(events.size() == 1);
  CHECK(std::get<PacketReceived>(events[0]).packet == hex("4500"));
}

TEST_CASE("gateway: malformed capsules break the protocol", "[unit][connect_ip]")
{
  const auto* text = GENERATE("02 00",                          // no entries
                              "02 07 00 04 00000000 20",        // request id 0
                              "02 07 01 05 00000000 20",        // IP version 5
                              "02 07 01 04 00000001 18",        // host bits
                              "02 08 01 04 00000000 20 00",     // trailing byte
                              "01 07 00 04 0a000002 21",        // prefix too long
                              "03 0a 04 00000002 00000001 00",  // backwards
                              "02 80004001");                   // too long
  ConnectIpGateway gateway = with_both();
  CHECK(is_violation(gateway.on_stream_data(hex(text), kNow)));
}

TEST_CASE("gateway: the end of the stream is the end of the tunnel", "[unit][connect_ip]")
{
  ConnectIpGateway gateway = with_both();
  const auto ended = gateway.on_stream_end();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code == make_error_code(Errc::peer_closed));
  REQUIRE(gateway.on_stream_data(hex("02 07"), kNow));
  CHECK(is_violation(gateway.on_stream_end()));
}

}  // namespace slopn
