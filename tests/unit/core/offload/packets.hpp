#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/host_packet.hpp"

/// TCP and UDP packets for the tests of segmenter and coalescer, and a check of packets that shares
/// nothing with the code under test.
namespace slopn::test {

using Random = std::mt19937;

inline std::size_t between(Random& random, std::size_t from, std::size_t to)
{
  return std::uniform_int_distribution<std::size_t>{from, to}(random);
}

inline ByteVector random_bytes(Random& random, std::size_t count)
{
  ByteVector bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

inline unsigned get16(ByteView bytes, std::size_t at)
{
  return std::to_integer<unsigned>(bytes[at]) << 8U | std::to_integer<unsigned>(bytes[at + 1]);
}
inline std::uint32_t get32(ByteView bytes, std::size_t at)
{
  return get16(bytes, at) << 16U | get16(bytes, at + 2);
}
inline void put16(MutableByteView bytes, std::size_t at, std::size_t value)
{
  bytes[at] = static_cast<std::byte>(value >> 8U & 0xffU);
  bytes[at + 1] = static_cast<std::byte>(value & 0xffU);
}
inline void put32(MutableByteView bytes, std::size_t at, std::uint32_t value)
{
  put16(bytes, at, value >> 16U);
  put16(bytes, at + 2, value & 0xffffU);
}

/// RFC 1071, word by word, with the carry put back at once.
inline unsigned plain_sum(ByteView bytes, unsigned sum = 0)
{
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += std::to_integer<unsigned>(bytes[i]) << 8U;
    if (i + 1 < bytes.size()) sum += std::to_integer<unsigned>(bytes[i + 1]);
    if (sum > 0xffffU) sum -= 0xffffU;
  }
  return sum;
}

inline constexpr unsigned kFin = 0x01;
inline constexpr unsigned kSyn = 0x02;
inline constexpr unsigned kRst = 0x04;
inline constexpr unsigned kPsh = 0x08;
inline constexpr unsigned kAck = 0x10;
inline constexpr unsigned kUrg = 0x20;
inline constexpr unsigned kEce = 0x40;
inline constexpr unsigned kCwr = 0x80;

/// A packet to be made. The defaults are what a bulk transfer sends.
struct FlowPacket {
  bool v4 = true;
  bool tcp = true;
  std::uint8_t host = 2;  ///< Last byte of the source address.
  std::uint16_t source_port = 40'000;
  std::uint8_t traffic_class = 0;
  std::uint8_t ttl = 64;
  std::uint16_t id = 0;
  bool dont_fragment = true;
  std::uint32_t flow_label = 0;
  std::uint32_t sequence = 1;
  std::uint32_t acknowledgment = 77;
  unsigned flags = kAck;
  std::uint16_t window = 500;
  ByteVector ip_options = {};   ///< IPv4; a multiple of 4 bytes.
  ByteVector tcp_options = {};  ///< A multiple of 4 bytes.
  ByteVector payload = {};

  [[nodiscard]] std::size_t ip_bytes() const { return v4 ? 20 + ip_options.size() : 40; }
  [[nodiscard]] std::size_t header_bytes() const
  {
    return ip_bytes() + (tcp ? 20 + tcp_options.size() : 8);
  }
};

/// Where the upper header of a packet without extension headers begins.
inline std::size_t upper_offset(ByteView packet)
{
  const unsigned first = std::to_integer<unsigned>(packet[0]);
  return first >> 4U == 4 ? (first & 0xfU) * std::size_t{4} : 40;
}

inline unsigned pseudo_sum(ByteView packet)
{
  const bool v4 = std::to_integer<unsigned>(packet[0]) >> 4U == 4;
  const std::size_t at = upper_offset(packet);
  const unsigned protocol = std::to_integer<unsigned>(packet[v4 ? 9 : 6]);
  const ByteView addresses = v4 ? packet.subspan(12, 8) : packet.subspan(8, 32);
  const auto upper_bytes = static_cast<unsigned>(packet.size() - at);
  const unsigned sum = plain_sum(addresses, upper_bytes) + protocol;
  return sum > 0xffffU ? sum - 0xffffU : sum;
}

inline void fix_v4_checksum(MutableByteView packet)
{
  put16(packet, 10, 0);
  put16(packet, 10, ~plain_sum(ByteView{packet}.first(upper_offset(packet))) & 0xffffU);
}

inline std::size_t checksum_offset(ByteView packet)
{
  const bool v4 = std::to_integer<unsigned>(packet[0]) >> 4U == 4;
  return std::to_integer<unsigned>(packet[v4 ? 9 : 6]) == 6 ? 16 : 6;
}

inline void fix_upper_checksum(MutableByteView packet)
{
  const std::size_t at = upper_offset(packet);
  const std::size_t field = at + checksum_offset(packet);
  put16(packet, field, 0);
  const unsigned sum = ~plain_sum(packet.subspan(at), pseudo_sum(packet)) & 0xffffU;
  put16(packet, field, sum == 0 && checksum_offset(packet) == 6 ? 0xffffU : sum);
}

/// Whether lengths and checksums are right, and the UDP checksum is there.
inline bool is_right(ByteView packet)
{
  const bool v4 = std::to_integer<unsigned>(packet[0]) >> 4U == 4;
  const std::size_t at = upper_offset(packet);
  if (v4 && (get16(packet, 2) != packet.size() || plain_sum(packet.first(at)) != 0xffffU))
    return false;
  if (!v4 && get16(packet, 4) + 40U != packet.size()) return false;
  const bool udp = checksum_offset(packet) == 6;
  if (udp && (get16(packet, at + 4) != packet.size() - at || get16(packet, at + 6) == 0))
    return false;
  return plain_sum(packet.subspan(at), pseudo_sum(packet)) == 0xffffU;
}

inline ByteVector make(const FlowPacket& spec)
{
  const auto octet = [](std::size_t value) { return static_cast<std::byte>(value & 0xffU); };
  const std::size_t at = spec.ip_bytes();
  ByteVector packet(spec.header_bytes());
  packet.insert(packet.end(), spec.payload.begin(), spec.payload.end());
  if (spec.v4) {
    packet[0] = octet(0x40U | at / 4);
    packet[1] = octet(spec.traffic_class);
    put16(packet, 2, packet.size());
    put16(packet, 4, spec.id);
    put16(packet, 6, spec.dont_fragment ? 0x4000U : 0);
    packet[8] = octet(spec.ttl);
    packet[9] = octet(spec.tcp ? 6 : 17);
    put32(packet, 12, 0x0a000000U | spec.host);
    put32(packet, 16, 0xc0000201U);
    std::copy(spec.ip_options.begin(), spec.ip_options.end(), packet.begin() + 20);
    fix_v4_checksum(packet);
  } else {
    put32(packet, 0, 0x60000000U | std::uint32_t{spec.traffic_class} << 20U | spec.flow_label);
    put16(packet, 4, packet.size() - at);
    packet[6] = octet(spec.tcp ? 6 : 17);
    packet[7] = octet(spec.ttl);
    packet[8] = packet[24] = octet(0xfd);
    packet[23] = octet(spec.host);
    packet[39] = octet(1);
  }
  put16(packet, at, spec.source_port);
  put16(packet, at + 2, 443);
  if (spec.tcp) {
    put32(packet, at + 4, spec.sequence);
    put32(packet, at + 8, spec.acknowledgment);
    put16(packet, at + 12, (5 + spec.tcp_options.size() / 4) << 12U | spec.flags);
    put16(packet, at + 14, spec.window);
    std::copy(spec.tcp_options.begin(), spec.tcp_options.end(),
              packet.begin() + static_cast<std::ptrdiff_t>(at) + 20);
  } else {
    put16(packet, at + 4, packet.size() - at);
  }
  fix_upper_checksum(packet);
  return packet;
}

/// As a host's kernel hands it over: with the pseudo header's sum for a checksum.
inline ByteVector make_super(const FlowPacket& spec)
{
  ByteVector packet = make(spec);
  put16(packet, spec.ip_bytes() + (spec.tcp ? 16U : 6U), pseudo_sum(packet));
  return packet;
}

inline Offload super_offload(const FlowPacket& spec, std::size_t segment_bytes)
{
  using Split = Offload::Split;
  const Split tcp_split = spec.v4 ? Split::tcp_v4 : Split::tcp_v6;
  return {.split = spec.tcp ? tcp_split : Split::udp,
          .checksum_missing = true,
          .header_bytes = static_cast<std::uint16_t>(spec.header_bytes()),
          .segment_bytes = static_cast<std::uint16_t>(segment_bytes),
          .checksum_start = static_cast<std::uint16_t>(spec.ip_bytes()),
          .checksum_offset = static_cast<std::uint16_t>(spec.tcp ? 16 : 6)};
}

}  // namespace slopn::test
