#include "libtunnel/core/wire/icmp.hpp"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>

#include "libtunnel/core/wire/ip_packet.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/packets.hpp"

namespace slopn::wire {
namespace {

using namespace std::chrono_literals;
using test::hex;
using test::ip;
using test::make_packet;

const IpAddress kGateway4 = ip("10.0.0.1");
const IpAddress kGateway6 = ip("fd00::1");

using Buffer = std::array<std::byte, kMaxIcmpErrorBytes>;

ByteVector v4_packet(std::size_t payload_bytes = 100)
{
  return make_packet({ip("10.0.0.2"), ip("192.0.2.1"), 17, 64, ByteVector(payload_bytes)});
}
ByteVector v6_packet(std::size_t payload_bytes = 100)
{
  return make_packet({ip("fd00::2"), ip("2001:db8::1"), 17, 64, ByteVector(payload_bytes)});
}

// Whatever is built must be a packet that any host accepts.
ByteView checked(const Buffer& buffer, std::size_t size)
{
  const ByteView answer = ByteView{buffer}.first(size);
  const auto header = parse_ip_header(answer);
  REQUIRE(header);
  REQUIRE(header->packet_bytes == size);
  REQUIRE(header->ttl == 64);
  const ByteView icmp = answer.subspan(header->payload_offset);
  if (header->version == IpVersion::v4) {
    REQUIRE(header->protocol == kProtocolIcmpV4);
    REQUIRE(internet_checksum(answer.first(kIpV4HeaderBytes)) == 0);
    REQUIRE(internet_checksum(icmp) == 0);
  } else {
    REQUIRE(header->protocol == kProtocolIcmpV6);
    REQUIRE(internet_checksum(icmp, pseudo_header_sum(header->source, header->destination,
                                                      kProtocolIcmpV6, icmp.size())) == 0);
  }
  return icmp;
}

unsigned octet(ByteView bytes, std::size_t at)
{
  return std::to_integer<unsigned>(bytes[at]);
}

}  // namespace

TEST_CASE("icmp: tells an IPv4 sender the MTU", "[unit][wire]")
{
  Buffer buffer{};
  const ByteVector packet = v4_packet();
  const std::size_t size = build_too_big(buffer, packet, kGateway4, 1400);
  const ByteView icmp = checked(buffer, size);
  CHECK(octet(icmp, 0) == 3);
  CHECK(octet(icmp, 1) == 4);
  CHECK((octet(icmp, 6) << 8U | octet(icmp, 7)) == 1400);
  CHECK(ByteVector(icmp.begin() + 8, icmp.end()) == packet);
  CHECK(parse_ip_header(buffer)->source == kGateway4);
  CHECK(parse_ip_header(buffer)->destination == ip("10.0.0.2"));
}

TEST_CASE("icmp: tells an IPv6 sender the MTU, but never less than 1280", "[unit][wire]")
{
  Buffer buffer{};
  const ByteVector packet = v6_packet();
  const ByteView icmp = checked(buffer, build_too_big(buffer, packet, kGateway6, 1400));
  CHECK(octet(icmp, 0) == 2);
  CHECK(octet(icmp, 1) == 0);
  CHECK((octet(icmp, 6) << 8U | octet(icmp, 7)) == 1400);

  const ByteView small = checked(buffer, build_too_big(buffer, packet, kGateway6, 1200));
  CHECK((octet(small, 6) << 8U | octet(small, 7)) == 1280);
}

TEST_CASE("icmp: says why a destination is unreachable", "[unit][wire]")
{
  struct Case {
    Unreachable why;
    unsigned v4_code;
    unsigned v6_code;
  };
  const auto one =
      GENERATE(Case{Unreachable::no_route, 0, 0}, Case{Unreachable::prohibited, 13, 1},
               Case{Unreachable::address, 1, 3}, Case{Unreachable::source_policy, 13, 5});
  Buffer buffer{};
  const ByteView v4 = checked(buffer, build_unreachable(buffer, v4_packet(), kGateway4, one.why));
  CHECK(octet(v4, 0) == 3);
  CHECK(octet(v4, 1) == one.v4_code);
  const ByteView v6 = checked(buffer, build_unreachable(buffer, v6_packet(), kGateway6, one.why));
  CHECK(octet(v6, 0) == 1);
  CHECK(octet(v6, 1) == one.v6_code);
}

TEST_CASE("icmp: says that the time is exceeded", "[unit][wire]")
{
  Buffer buffer{};
  const ByteView v4 = checked(buffer, build_time_exceeded(buffer, v4_packet(), kGateway4));
  CHECK(octet(v4, 0) == 11);
  CHECK(octet(v4, 1) == 0);
  const ByteView v6 = checked(buffer, build_time_exceeded(buffer, v6_packet(), kGateway6));
  CHECK(octet(v6, 0) == 3);
}

TEST_CASE("icmp: quotes as much as the limit of the IP version lets it", "[unit][wire]")
{
  Buffer buffer{};
  CHECK(build_too_big(buffer, v4_packet(1400), kGateway4, 1280) == 576);
  CHECK(build_too_big(buffer, v6_packet(1400), kGateway6, 1280) == 1280);
  CHECK(build_too_big(buffer, v4_packet(9), kGateway4, 1280) == 20 + 8 + 29);
}

TEST_CASE("icmp: does not quote what follows the packet", "[unit][wire]")
{
  Buffer buffer{};
  ByteVector packet = v4_packet(9);
  packet.resize(packet.size() + 50);
  CHECK(build_too_big(buffer, packet, kGateway4, 1280) == 20 + 8 + 29);
}

TEST_CASE("icmp: writes nothing where it does not fit", "[unit][wire]")
{
  std::array<std::byte, 60> buffer{};
  CHECK(build_too_big(buffer, v4_packet(), kGateway4, 1280) == 0);
}

TEST_CASE("icmp: never answers an ICMP error", "[unit][wire]")
{
  Buffer buffer{};
  const auto v4_type = GENERATE(3, 4, 5, 11, 12);
  ByteVector payload(40);
  payload[0] = static_cast<std::byte>(v4_type);
  CHECK(build_too_big(buffer,
                      make_packet({ip("10.0.0.2"), ip("192.0.2.1"), kProtocolIcmpV4, 64, payload}),
                      kGateway4, 1280) == 0);
  const auto v6_type = GENERATE(0, 1, 2, 3, 4, 127, 137);
  payload[0] = static_cast<std::byte>(v6_type);
  CHECK(build_too_big(buffer,
                      make_packet({ip("fd00::2"), ip("2001:db8::1"), kProtocolIcmpV6, 64, payload}),
                      kGateway6, 1280) == 0);
}

TEST_CASE("icmp: never answers an ICMP error behind extension headers", "[unit][wire]")
{
  Buffer buffer{};
  const ByteVector hidden = make_packet(
      {ip("fd00::2"), ip("2001:db8::1"), 60, 64, hex("3a00 000000000000 0100 0000 00000000")});
  CHECK(build_too_big(buffer, hidden, kGateway6, 1280) == 0);
}

TEST_CASE("icmp: answers an echo request", "[unit][wire]")
{
  Buffer buffer{};
  ByteVector payload(40);
  payload[0] = std::byte{8};
  CHECK(build_too_big(buffer,
                      make_packet({ip("10.0.0.2"), ip("192.0.2.1"), kProtocolIcmpV4, 64, payload}),
                      kGateway4, 1280) > 0);
  payload[0] = std::byte{128};
  CHECK(build_too_big(buffer,
                      make_packet({ip("fd00::2"), ip("2001:db8::1"), kProtocolIcmpV6, 64, payload}),
                      kGateway6, 1280) > 0);
}

TEST_CASE("icmp: answers the first fragment and no other", "[unit][wire]")
{
  Buffer buffer{};
  ByteVector packet = v4_packet();
  packet[6] = std::byte{0x20};
  CHECK(build_too_big(buffer, packet, kGateway4, 1280) > 0);
  packet[7] = std::byte{0x10};
  CHECK(build_too_big(buffer, packet, kGateway4, 1280) == 0);
}

TEST_CASE("icmp: never answers a group or nobody", "[unit][wire]")
{
  Buffer buffer{};
  const auto* source = GENERATE("0.0.0.0", "255.255.255.255", "224.0.0.1", "127.0.0.1");
  CHECK(build_time_exceeded(buffer, make_packet({ip(source), ip("192.0.2.1")}), kGateway4) == 0);
  const auto* source6 = GENERATE("::", "::1", "ff02::1");
  CHECK(build_time_exceeded(buffer, make_packet({ip(source6), ip("2001:db8::1")}), kGateway6) == 0);
  const auto* to = GENERATE("255.255.255.255", "224.0.0.251");
  CHECK(build_time_exceeded(buffer, make_packet({ip("10.0.0.2"), ip(to)}), kGateway4) == 0);
  CHECK(build_time_exceeded(buffer, make_packet({ip("fd00::2"), ip("ff02::fb")}), kGateway6) == 0);
}

TEST_CASE("icmp: does not answer in the other IP version, or what is no packet", "[unit][wire]")
{
  Buffer buffer{};
  CHECK(build_time_exceeded(buffer, v4_packet(), kGateway6) == 0);
  CHECK(build_time_exceeded(buffer, v6_packet(), kGateway4) == 0);
  CHECK(build_time_exceeded(buffer, hex("45"), kGateway4) == 0);
  CHECK(build_time_exceeded(buffer, {}, kGateway4) == 0);
}

TEST_CASE("icmp: the rate limit allows a burst, then its rate", "[unit][wire]")
{
  IcmpRateLimiter limiter{10, 3};
  Clock::time_point now{};
  for (int i = 0; i < 3; ++i) CHECK(limiter.allow(now));
  CHECK_FALSE(limiter.allow(now));
  now += 99ms;
  CHECK_FALSE(limiter.allow(now));
  now += 1ms;
  CHECK(limiter.allow(now));
  CHECK_FALSE(limiter.allow(now));
}

TEST_CASE("icmp: the rate limit saves up no more than a burst", "[unit][wire]")
{
  IcmpRateLimiter limiter{10, 3};
  Clock::time_point now{};
  now += std::chrono::hours{24 * 365};
  int allowed = 0;
  while (limiter.allow(now)) ++allowed;
  CHECK(allowed == 3);
}

TEST_CASE("icmp: the rate limit holds over time", "[unit][wire]")
{
  IcmpRateLimiter limiter{100, 50};
  Clock::time_point now{};
  int allowed = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (limiter.allow(now)) ++allowed;
    now += 1ms;
  }
  CHECK(allowed >= 1040);
  CHECK(allowed <= 1050);
}

}  // namespace slopn::wire
