#include "libtunnel/core/wire/ip_packet.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>

#include "tests/support/hex.hpp"
#include "tests/support/packets.hpp"

namespace slopn::wire {
namespace {

using test::hex;
using test::ip;
using test::make_packet;

ByteVector v4_packet()
{
  return make_packet({ip("10.0.0.2"), ip("192.0.2.1")});
}
ByteVector v6_packet()
{
  return make_packet({ip("fd00::2"), ip("2001:db8::1")});
}

// An IPv6 packet whose chain of headers is `payload`.
std::optional<IpHeader> parse_chain(std::uint8_t first, const char* payload)
{
  return parse_ip_header(make_packet({ip("fd00::2"), ip("2001:db8::1"), first, 64, hex(payload)}));
}

}  // namespace

TEST_CASE("ip: reads an IPv4 header", "[unit][wire]")
{
  const ByteVector packet = v4_packet();
  const auto header = parse_ip_header(packet);
  REQUIRE(header);
  CHECK(header->version == IpVersion::v4);
  CHECK(header->source == ip("10.0.0.2"));
  CHECK(header->destination == ip("192.0.2.1"));
  CHECK(header->packet_bytes == 28);
  CHECK(header->payload_offset == 20);
  CHECK(header->protocol == kProtocolUdp);
  CHECK(header->ttl == 64);
  CHECK_FALSE(header->is_fragment);
}

TEST_CASE("ip: reads an IPv6 header", "[unit][wire]")
{
  ByteVector packet = v6_packet();
  packet[0] = std::byte{0x6b};  // traffic class 0xb8, flow label 0
  packet[1] = std::byte{0x80};
  const auto header = parse_ip_header(packet);
  REQUIRE(header);
  CHECK(header->version == IpVersion::v6);
  CHECK(header->source == ip("fd00::2"));
  CHECK(header->destination == ip("2001:db8::1"));
  CHECK(header->packet_bytes == 48);
  CHECK(header->payload_offset == 40);
  CHECK(header->protocol == kProtocolUdp);
  CHECK(header->traffic_class == 0xb8);
}

TEST_CASE("ip: bytes after the packet are not the packet's", "[unit][wire]")
{
  ByteVector packet = GENERATE(v4_packet(), v6_packet());
  const std::size_t size = packet.size();
  packet.resize(size + 13);
  const auto header = parse_ip_header(packet);
  REQUIRE(header);
  CHECK(header->packet_bytes == size);
}

TEST_CASE("ip: a packet that ends early is refused at every length", "[unit][wire]")
{
  const ByteVector packet = GENERATE(v4_packet(), v6_packet());
  for (std::size_t size = 0; size < packet.size(); ++size)
    CHECK_FALSE(parse_ip_header(ByteView{packet}.first(size)));
}

TEST_CASE("ip: only versions 4 and 6 are packets", "[unit][wire]")
{
  for (unsigned version = 0; version < 16; ++version) {
    ByteVector packet(60);
    packet[0] = static_cast<std::byte>(version << 4U | 5U);
    packet[3] = std::byte{60};  // IPv4 total length
    packet[6] = std::byte{59};  // IPv6: no next header
    CHECK(parse_ip_header(packet).has_value() == (version == 4 || version == 6));
  }
}

TEST_CASE("ip: an IPv4 header must have at least five words and lie in the packet", "[unit][wire]")
{
  ByteVector packet = v4_packet();
  packet[0] = std::byte{0x44};
  CHECK_FALSE(parse_ip_header(packet));
  packet[0] = std::byte{0x48};  // 32 bytes of header in a packet of 28
  CHECK_FALSE(parse_ip_header(packet));
  packet[0] = std::byte{0x46};  // one word of options
  const auto header = parse_ip_header(packet);
  REQUIRE(header);
  CHECK(header->payload_offset == 24);
  packet[0] = std::byte{0x45};
  packet[3] = std::byte{19};  // total length shorter than the header
  CHECK_FALSE(parse_ip_header(packet));
}

TEST_CASE("ip: tells fragments of IPv4", "[unit][wire]")
{
  ByteVector packet = v4_packet();
  packet[6] = std::byte{0x40};  // don't fragment
  CHECK_FALSE(parse_ip_header(packet)->is_fragment);
  packet[6] = std::byte{0x20};  // more fragments, offset 0
  CHECK(parse_ip_header(packet)->is_fragment);
  CHECK_FALSE(parse_ip_header(packet)->is_later_fragment);
  packet[6] = std::byte{0x00};
  packet[7] = std::byte{0x01};
  CHECK(parse_ip_header(packet)->is_fragment);
  CHECK(parse_ip_header(packet)->is_later_fragment);
}

TEST_CASE("ip: walks the extension headers of IPv6", "[unit][wire]")
{
  // hop-by-hop (8 bytes), destination options (16), routing (8), then UDP
  const auto header = parse_chain(0,
                                  "3c00 000000000000"
                                  "2b01 0000000000000000000000000000"
                                  "1100 000000000000"
                                  "0000000000000000");
  REQUIRE(header);
  CHECK(header->protocol == kProtocolUdp);
  CHECK(header->payload_offset == 40 + 32);
}

TEST_CASE("ip: walks an authentication header by its own length rule", "[unit][wire]")
{
  const auto header = parse_chain(51,
                                  "0604 0000 00000001 00000002 000000000000000000000000"
                                  "0000000000000000");
  REQUIRE(header);
  CHECK(header->protocol == kProtocolTcp);
  CHECK(header->payload_offset == 40 + 24);
}

TEST_CASE("ip: stops at what it cannot read through", "[unit][wire]")
{
  CHECK(parse_chain(50, "0000000100000002")->protocol == 50);  // ESP
  CHECK(parse_chain(59, "")->protocol == 59);                  // no next header
}

TEST_CASE("ip: tells fragments of IPv6", "[unit][wire]")
{
  const auto first = parse_chain(44, "1100 0001 00000000 0000000000000000");
  REQUIRE(first);
  CHECK(first->is_fragment);
  CHECK_FALSE(first->is_later_fragment);
  CHECK(first->protocol == kProtocolUdp);

  // What follows a later fragment's header is not read: it would be "hop-by-hop" here.
  const auto later = parse_chain(44, "0000 0008 00000000 ffff");
  REQUIRE(later);
  CHECK(later->is_later_fragment);
  CHECK(later->protocol == 0);

  const auto atomic = parse_chain(44, "1100 0000 00000000 0000000000000000");
  REQUIRE(atomic);
  CHECK_FALSE(atomic->is_fragment);
}

TEST_CASE("ip: refuses extension headers that leave the packet", "[unit][wire]")
{
  CHECK_FALSE(parse_chain(0, ""));
  CHECK_FALSE(parse_chain(0, "11"));
  CHECK_FALSE(parse_chain(0, "1101 000000000000"));
  CHECK_FALSE(parse_chain(44, "1100 0000"));
  CHECK_FALSE(parse_chain(60, "3c00 000000000000"));  // another one is promised
}

TEST_CASE("ip: refuses an endless chain of extension headers", "[unit][wire]")
{
  std::string chain;
  for (int i = 0; i < 100; ++i) chain += "3c00 000000000000 ";
  CHECK_FALSE(parse_chain(60, (chain + "1100 000000000000").c_str()));
}

TEST_CASE("ip: refuses a jumbogram", "[unit][wire]")
{
  // Payload length 0, hop-by-hop with the jumbo option, then what it announces.
  ByteVector packet = make_packet(
      {ip("fd00::2"), ip("2001:db8::1"), 0, 64, hex("1100 c204 00010000 0000000000000000")});
  packet[4] = packet[5] = std::byte{0};
  CHECK_FALSE(parse_ip_header(packet));
}

TEST_CASE("ip: a hop changes the TTL and keeps the checksum right", "[unit][wire]")
{
  std::mt19937_64 random{4};
  for (int round = 0; round < 2000; ++round) {
    const auto octet = [&] { return static_cast<std::uint8_t>(random()); };
    ByteVector packet = make_packet({IpAddress::v4({octet(), octet(), octet(), octet()}),
                                     IpAddress::v4({octet(), octet(), octet(), octet()}), octet(),
                                     static_cast<std::uint8_t>(octet() | 2U)});
    const auto ttl = std::to_integer<unsigned>(packet[8]);
    REQUIRE(decrement_ttl(packet));
    REQUIRE(std::to_integer<unsigned>(packet[8]) == ttl - 1);
    REQUIRE(internet_checksum(ByteView{packet}.first(20)) == 0);
  }
}

TEST_CASE("ip: a hop changes the hop limit of IPv6", "[unit][wire]")
{
  ByteVector packet = v6_packet();
  REQUIRE(decrement_ttl(packet));
  CHECK(parse_ip_header(packet)->ttl == 63);
}

TEST_CASE("ip: the last hop is not taken", "[unit][wire]")
{
  const auto ttl = GENERATE(std::uint8_t{0}, std::uint8_t{1});
  const auto* source = GENERATE("10.0.0.2", "fd00::2");
  const auto* destination = *source == '1' ? "192.0.2.1" : "2001:db8::1";
  const ByteVector before = make_packet({ip(source), ip(destination), 17, ttl});
  ByteVector packet = before;
  CHECK_FALSE(decrement_ttl(packet));
  CHECK(packet == before);
}

TEST_CASE("ip: a hop is not taken off what is no packet", "[unit][wire]")
{
  ByteVector nothing;
  CHECK_FALSE(decrement_ttl(nothing));
  ByteVector junk(10, std::byte{0x45});
  CHECK_FALSE(decrement_ttl(junk));
  ByteVector version5(40, std::byte{0x55});
  CHECK_FALSE(decrement_ttl(version5));
}

TEST_CASE("checksum: an odd last byte counts as the upper half", "[unit][wire]")
{
  CHECK(internet_checksum(hex("0102 03")) == internet_checksum(hex("0102 0300")));
}

}  // namespace slopn::wire
