#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libtunnel/base/bytes.hpp"

/// Small IP packets for tests, with correct checksums.
namespace slopn::test {

struct Flow {
  std::string from;  ///< Address text; both of one family.
  std::string to;
  std::uint16_t from_port = 40000;
  std::uint16_t to_port = 9;
};

[[nodiscard]] ByteVector udp_packet(const Flow& flow, const std::string& payload);
/// A SYN that offers `mss_bytes`.
[[nodiscard]] ByteVector tcp_syn(const Flow& flow, std::uint16_t mss_bytes);
/// An ICMP or ICMPv6 echo request.
[[nodiscard]] ByteVector echo_request(const std::string& from, const std::string& to);

/// What a test wants to know of a received packet.
struct PacketSummary {
  std::string from;
  std::string to;
  std::uint8_t protocol = 0;  ///< IPPROTO_...
  std::uint16_t from_port = 0;
  std::uint16_t to_port = 0;
  std::uint8_t icmp_type = 0;
  std::uint8_t tcp_flags = 0;
  std::optional<std::uint16_t> mss_bytes;  ///< Of a TCP SYN.
};

/// nullopt for what is no whole IPv4 or IPv6 packet.
[[nodiscard]] std::optional<PacketSummary> summarise(ByteView packet);

}  // namespace slopn::test
