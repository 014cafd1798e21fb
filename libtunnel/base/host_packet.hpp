#pragma once

#include <cstddef>
#include <cstdint>

#include "libtunnel/base/bytes.hpp"

namespace slopn {

/// What one side of a TUN left undone in a packet because the other can do it cheaper: the fields
/// of virtio-net's header (virtio 1.2 section 5.1.6), in host byte order.
///
/// From the host's kernel it describes work for us; from us, work for the kernel. Whoever takes one
/// from a kernel still checks every field against the packet.
struct Offload {
  /// How the packet is to be cut into packets that fit a network.
  enum class Split : std::uint8_t { none, tcp_v4, tcp_v6, udp };

  Split split = Split::none;
  /// The checksum at `checksum_start + checksum_offset` holds only the pseudo header's sum. Its
  /// range begins at `checksum_start` and ends with the packet.
  bool checksum_missing = false;
  /// Somebody has checked it already; the kernel need not.
  bool checksum_known_good = false;
  std::uint16_t header_bytes = 0;   ///< IP and TCP or UDP headers, which each piece repeats.
  std::uint16_t segment_bytes = 0;  ///< Payload of each piece but the last, without headers.
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;

  friend bool operator==(const Offload&, const Offload&) noexcept = default;
};

/// A packet that the host sent, or is to get: whole, or a *super-packet*, longer than any network
/// takes, which stands for several.
struct HostPacket {
  MutableByteView bytes;
  Offload offload;
};

/// The longest packet a TUN hands over, super-packets included: an IPv4 total length, or a payload
/// length of IPv6 with its header.
inline constexpr std::size_t kMaxHostPacketBytes = 65'535 + 40;

}  // namespace slopn
