#include "libtunnel/core/queue/flow_hash.hpp"

#include <array>
#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>
#include <set>

#include "tests/support/hex.hpp"
#include "tests/support/packets.hpp"

namespace slopn::queue {
namespace {

using slopn::test::hex;
using slopn::test::ip;
using slopn::test::make_packet;

constexpr std::uint64_t kSalt = 0x0123456789abcdef;

std::uint32_t hash(ByteView packet, std::uint64_t salt = kSalt)
{
  const auto header = wire::parse_ip_header(packet);
  REQUIRE(header);
  return flow_hash(*header, packet, salt);
}

ByteVector udp(const char* source, const char* destination,
               const char* payload = "0102030400080000")
{
  return make_packet({ip(source), ip(destination), wire::kProtocolUdp, 64, hex(payload)});
}

}  // namespace

TEST_CASE("flow hash: is the same for packets of one flow", "[unit][queue]")
{
  ByteVector packet = udp("10.0.0.2", "192.0.2.1");
  const std::uint32_t first = hash(packet);
  packet[1] = std::byte{0xb8};  // DSCP
  packet[5] = std::byte{7};     // identification
  packet[8] = std::byte{3};     // TTL
  packet.back() = std::byte{0xff};
  CHECK(hash(packet) == first);
}

TEST_CASE("flow hash: tells flows apart by each part of the 5-tuple", "[unit][queue]")
{
  std::set<std::uint32_t> seen;
  seen.insert(hash(udp("10.0.0.2", "192.0.2.1")));
  seen.insert(hash(udp("192.0.2.1", "10.0.0.2")));
  seen.insert(hash(udp("10.0.0.3", "192.0.2.1")));
  seen.insert(hash(udp("10.0.0.2", "192.0.2.2")));
  seen.insert(hash(udp("10.0.0.2", "192.0.2.1", "0103030400080000")));
  seen.insert(hash(udp("10.0.0.2", "192.0.2.1", "0102030500080000")));
  seen.insert(hash(udp("fd00::2", "2001:db8::1")));
  seen.insert(hash(udp("fd00::2", "2001:db9::1")));
  seen.insert(hash(udp("fd01::2", "2001:db8::1")));
  seen.insert(hash(udp("fd00::2", "2001:db8::1", "0103030400080000")));
  ByteVector tcp = udp("10.0.0.2", "192.0.2.1");
  tcp[9] = std::byte{wire::kProtocolTcp};
  seen.insert(hash(tcp));
  CHECK(seen.size() == 11);
}

TEST_CASE("flow hash: takes no bytes of other protocols for ports", "[unit][queue]")
{
  const auto icmp = [](const char* payload) {
    return hash(
        make_packet({ip("10.0.0.2"), ip("192.0.2.1"), wire::kProtocolIcmpV4, 64, hex(payload)}));
  };
  CHECK(icmp("0800000000010001") == icmp("0800123400010002"));
}

TEST_CASE("flow hash: all fragments of a packet are one flow", "[unit][queue]")
{
  ByteVector first = udp("10.0.0.2", "192.0.2.1");
  first[6] = std::byte{0x20};  // more fragments
  ByteVector later = udp("10.0.0.2", "192.0.2.1", "99887766554433");
  later[7] = std::byte{1};
  CHECK(hash(first) == hash(later));
  CHECK(hash(first) != hash(udp("10.0.0.2", "192.0.2.1")));
}

TEST_CASE("flow hash: leaves out ports that are not there", "[unit][queue]")
{
  const ByteVector whole = udp("10.0.0.2", "192.0.2.1");
  const auto header = wire::parse_ip_header(whole);
  REQUIRE(header);
  const std::uint32_t without = flow_hash(*header, ByteView{whole}.first(20), kSalt);
  for (const std::size_t size : {0U, 1U, 21U, 23U}) {
    CHECK(flow_hash(*header, ByteView{whole}.first(size), kSalt) == without);
  }
  CHECK(flow_hash(*header, ByteView{whole}.first(24), kSalt) == hash(whole));
  // Bytes after the packet are not the packet's.
  ByteVector empty = udp("10.0.0.2", "192.0.2.1", "");
  CHECK(hash(empty) == without);
  const ByteVector trailer = hex("01020304");
  empty.insert(empty.end(), trailer.begin(), trailer.end());
  CHECK(hash(empty) == without);
}

TEST_CASE("flow hash: another salt is another order of flows", "[unit][queue]")
{
  // Flows that share one of 64 queues under one salt are spread over them under another.
  std::array<int, 64> queues{};
  int sharing = 0;
  for (unsigned port = 0; port < 0x10000; ++port) {
    ByteVector packet = udp("10.0.0.2", "192.0.2.1");
    packet[20] = static_cast<std::byte>(port >> 8U);
    packet[21] = static_cast<std::byte>(port & 0xffU);
    const auto header = wire::parse_ip_header(packet);
    if (flow_hash(*header, packet, kSalt) >> 26U != 5) continue;
    ++sharing;
    ++queues[flow_hash(*header, packet, kSalt + 1) >> 26U];
  }
  CHECK(sharing > 900);
  CHECK(sharing < 1150);
  for (const int count : queues) {
    CHECK(count > 0);
    CHECK(count < 45);
  }
}

TEST_CASE("flow hash: a bit of the salt or of an address changes half of the bits", "[unit][queue]")
{
  const ByteVector packet = udp("fd00::2", "2001:db8::1");
  const std::uint32_t before = hash(packet);
  int salt_bits = 0;
  for (unsigned bit = 0; bit < 64; ++bit) {
    salt_bits += std::popcount(before ^ hash(packet, kSalt ^ (std::uint64_t{1} << bit)));
  }
  CHECK(salt_bits > 64 * 14);
  CHECK(salt_bits < 64 * 18);
  int address_bits = 0;
  for (unsigned bit = 0; bit < 256; ++bit) {
    ByteVector changed = packet;
    changed[8 + bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    address_bits += std::popcount(before ^ hash(changed));
  }
  CHECK(address_bits > 256 * 15);
  CHECK(address_bits < 256 * 17);
}

TEST_CASE("flow hash: survives whatever the header parser lets pass", "[unit][queue]")
{
  std::mt19937 random{7};
  for (int i = 0; i < 20'000; ++i) {
    ByteVector packet = i % 2 == 0 ? udp("10.0.0.2", "192.0.2.1") : udp("fd00::2", "2001:db8::1");
    for (int change = 0; change < 3; ++change) {
      packet[random() % packet.size()] = static_cast<std::byte>(random() & 0xffU);
    }
    packet.resize(random() % (packet.size() + 1) + 1);
    packet.shrink_to_fit();
    const auto header = wire::parse_ip_header(packet);
    if (header) CHECK(flow_hash(*header, packet, kSalt) == flow_hash(*header, packet, kSalt));
  }
}

}  // namespace slopn::queue
