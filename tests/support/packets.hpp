#pragma once

#include <cstdint>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/ip.hpp"

/// Valid inner packets for tests.
namespace slopn::test {

struct PacketSpec {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 17;
  std::uint8_t ttl = 64;
  ByteVector payload = ByteVector(8);
};

/// An IPv4 or IPv6 packet, by the version of `spec.source`; the IPv4 checksum is right.
inline ByteVector make_packet(const PacketSpec& spec)
{
  const auto octet = [](std::size_t value) { return static_cast<std::byte>(value & 0xffU); };
  ByteVector packet;
  if (spec.source.is_v4()) {
    const std::size_t total = 20 + spec.payload.size();
    packet = {octet(0x45), octet(0), octet(total >> 8U), octet(total),         octet(0), octet(0),
              octet(0),    octet(0), octet(spec.ttl),    octet(spec.protocol), octet(0), octet(0)};
  } else {
    packet = {octet(0x60),
              octet(0),
              octet(0),
              octet(0),
              octet(spec.payload.size() >> 8U),
              octet(spec.payload.size()),
              octet(spec.protocol),
              octet(spec.ttl)};
  }
  const auto append = [&](ByteView bytes) {
    packet.insert(packet.end(), bytes.begin(), bytes.end());
  };
  append(spec.source.bytes());
  append(spec.destination.bytes());
  if (spec.source.is_v4()) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < 20; i += 2)
      sum += std::to_integer<std::uint32_t>(packet[i]) << 8U |
             std::to_integer<std::uint32_t>(packet[i + 1]);
    while (sum > 0xffffU) sum = (sum >> 16U) + (sum & 0xffffU);
    packet[10] = octet(~sum >> 8U);
    packet[11] = octet(~sum);
  }
  append(spec.payload);
  return packet;
}

}  // namespace slopn::test
