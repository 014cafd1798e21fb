#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/ip.hpp"

namespace slopn::wire {

inline constexpr std::uint8_t kProtocolIcmpV4 = 1;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolIcmpV6 = 58;

inline constexpr std::size_t kIpV4HeaderBytes = 20;  ///< Without options.
inline constexpr std::size_t kIpV6HeaderBytes = 40;  ///< Without extension headers.

/// What a tunnel needs to know about an IP packet.
struct IpHeader {
  IpVersion version = IpVersion::v4;
  IpAddress source;
  IpAddress destination;
  std::size_t packet_bytes = 0;    ///< What the header says; bytes after that are not the packet's.
  std::size_t payload_offset = 0;  ///< Where `protocol` begins: after options and extensions.
  std::uint8_t protocol = 0;       ///< Above IP. In later fragments: of the first one's payload.
  std::uint8_t ttl = 0;            ///< Hop limit in IPv6.
  std::uint8_t traffic_class = 0;  ///< DSCP (upper six bits) and ECN (lower two).
  bool is_fragment = false;        ///< Not the whole packet; the first one included.
  bool is_later_fragment = false;  ///< Does not contain the upper header.
};

/// Reads and checks the header of the packet at the start of `bytes`: version, header length,
/// total length within `bytes` (there may be more), and for IPv6 a chain of extension headers
/// that stays inside the packet. nullopt for anything else, jumbograms (RFC 2675) included.
/// Neither the IPv4 header checksum nor the payload is looked at.
[[nodiscard]] std::optional<IpHeader> parse_ip_header(ByteView bytes) noexcept;

/// Counts one hop off the TTL or hop limit and corrects the IPv4 checksum (RFC 1624).
/// False, with nothing changed, when the packet has no hop left (0 or 1) or no IP version.
/// `packet` holds at least a whole IP header.
[[nodiscard]] bool decrement_ttl(MutableByteView packet) noexcept;

/// RFC 1071: the one's complement sum of `bytes`, folded and complemented, in host byte order.
/// `partial` is the unfolded sum of what comes before; that must have an even length.
[[nodiscard]] std::uint16_t internet_checksum(ByteView bytes, std::uint64_t partial = 0) noexcept;

/// The unfolded sum of the pseudo header in front of an upper-layer packet, to be `partial` above;
/// RFC 8200 section 8.1, and RFC 9293 section 3.1 for IPv4. Both addresses have one version.
[[nodiscard]] std::uint64_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination,
                                              std::uint8_t protocol,
                                              std::size_t upper_bytes) noexcept;

}  // namespace slopn::wire
