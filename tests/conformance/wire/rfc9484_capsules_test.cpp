#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "libtunnel/core/wire/capsule.hpp"
#include "libtunnel/core/wire/connect_ip.hpp"
#include "libtunnel/core/wire/http_datagram.hpp"
#include "tests/support/catch_result.hpp"
#include "tests/support/hex.hpp"

// The examples of RFC 9484 section 8. The RFC names their fields; the bytes below are what
// sections 4.7 and 6 and RFC 9297 make of them, written by hand.

namespace slopn::wire {
namespace {

using test::hex;
using test::ip;
using test::prefix;

// The value of a capsule: what follows one byte of type and one of length.
ByteView value_of(const ByteVector& capsule)
{
  return ByteView{capsule}.subspan(2);
}

}  // namespace

TEST_CASE("capsules: the full tunnel of RFC 9484 figure 15", "[conformance][wire]")
{
  const ByteVector request = hex("02 07  01 04 00000000 20");
  const ByteVector assign = hex("01 07  01 04 c000020b 20");
  const ByteVector routes = hex("03 0a  04 00000000 ffffffff 00");

  ByteVector out;
  append_address_request(out, std::vector{RequestedAddress{1, prefix("0.0.0.0/32")}});
  CHECK(out == request);
  out.clear();
  append_address_assign(out, std::vector{AssignedAddress{1, prefix("192.0.2.11/32")}});
  CHECK(out == assign);
  out.clear();
  append_route_advertisement(out, std::vector{IpRange{ip("0.0.0.0"), ip("255.255.255.255"), 0}});
  CHECK(out == routes);

  CHECK(*parse_address_request(value_of(request)) ==
        std::vector{RequestedAddress{1, prefix("0.0.0.0/32")}});
  CHECK(*parse_address_assign(value_of(assign)) ==
        std::vector{AssignedAddress{1, prefix("192.0.2.11/32")}});
  CHECK(*parse_route_advertisement(value_of(routes)) ==
        std::vector{IpRange{ip("0.0.0.0"), ip("255.255.255.255"), 0}});
}

TEST_CASE("capsules: the split tunnel of RFC 9484 figure 16", "[conformance][wire]")
{
  const ByteVector routes = hex("03 14  04 c0000200 c0000229 00  04 c000022b c00002ff 00");
  const std::vector<IpRange> expected{{ip("192.0.2.0"), ip("192.0.2.41"), 0},
                                      {ip("192.0.2.43"), ip("192.0.2.255"), 0}};
  CHECK(*parse_route_advertisement(value_of(routes)) == expected);
  ByteVector out;
  append_route_advertisement(out, expected);
  CHECK(out == routes);
}

TEST_CASE("capsules: the SCTP flow of RFC 9484 figure 20", "[conformance][wire]")
{
  const ByteVector assign = hex("01 13  00 06 20010db812340000000000000000000a 80");
  const ByteVector routes =
      hex("03 22  06 20010db834560000000000000000000b 20010db834560000000000000000000b 84");
  CHECK(*parse_address_assign(value_of(assign)) ==
        std::vector{AssignedAddress{0, prefix("2001:db8:1234::a/128")}});
  CHECK(*parse_route_advertisement(value_of(routes)) ==
        std::vector{IpRange{ip("2001:db8:3456::b"), ip("2001:db8:3456::b"), 132}});
}

TEST_CASE("capsules: both families of RFC 9484 figure 22", "[conformance][wire]")
{
  const ByteVector assign =
      hex("01 1a  00 04 c0000203 20  00 06 20010db8000000000000000012341234 80");
  CHECK(*parse_address_assign(value_of(assign)) ==
        std::vector{AssignedAddress{0, prefix("192.0.2.3/32")},
                    AssignedAddress{0, prefix("2001:db8::1234:1234/128")}});
}

TEST_CASE("capsules: a refusal is the all-zero host of RFC 9484 section 4.7.2",
          "[conformance][wire]")
{
  ByteVector out;
  append_address_assign(out, std::vector{AssignedAddress{1, refusal(IpVersion::v4)},
                                         AssignedAddress{2, refusal(IpVersion::v6)}});
  CHECK(out == hex("01 1a  01 04 00000000 20  02 06 00000000000000000000000000000000 80"));
}

TEST_CASE("datagram: stream 44 of RFC 9484 figure 15 has quarter stream id 11",
          "[conformance][wire]")
{
  const HttpDatagramPrefix prefix{44};
  CHECK(ByteVector(prefix.view().begin(), prefix.view().end()) == hex("0b 00"));
  const ByteVector datagram = hex("0b 00 45");
  const auto parsed = parse_http_datagram(datagram);
  REQUIRE(parsed);
  CHECK(parsed->stream_id == 44);
  CHECK(parsed->context_id == 0U);
  CHECK(parsed->payload.size() == 1);
}

}  // namespace slopn::wire
