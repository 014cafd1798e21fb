#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "libtunnel/base/host_packet.hpp"

namespace slopn::offload {

/// Cuts a host's super-packet into packets that fit the tunnel (TSO and USO in software), and
/// fills in the checksum that the host left out. Payloads are not copied: each piece is a header
/// of our own and a view into the super-packet.
///
/// A packet that needs none of it comes out as the one piece it is.
class Segmenter {
 public:
  /// Longest IP and TCP header of a super-packet: 40 of IPv6, or 60 of IPv4 with options, and 60.
  /// Super-packets with IPv6 extension headers are refused; no kernel makes them for a TUN.
  static constexpr std::size_t kMaxHeaderBytes = 120;

  /// Takes `packet`, whose bytes must stay and be ours to write while the segmenter lives. TCP
  /// payloads are cut to pieces of at most `mtu_bytes`, finer than the host asked for if need be;
  /// nothing else is: compare `packet_bytes()` of a piece with the path's limit.
  /// nullopt when `offload` does not match the packet: a checksum field outside of it, another
  /// protocol or IP version than it says, a header that is longer than the packet, a fragment, IPv4
  /// options in a super-packet that may not be repeated, more pieces than the packet can hold.
  [[nodiscard]] static std::optional<Segmenter> open(const HostPacket& packet,
                                                     std::size_t mtu_bytes);

  /// No piece is left.
  [[nodiscard]] bool done() const noexcept;

  /// One packet in two parts; the second may be empty. Valid until `advance()` or `mark_ce()`.
  struct Piece {
    ByteView header;
    ByteView payload;
    [[nodiscard]] std::size_t packet_bytes() const noexcept
    {
      return header.size() + payload.size();
    }
  };
  /// Needs `!done()`.
  [[nodiscard]] Piece piece() noexcept;
  /// Goes on to the next piece. Needs `!done()`.
  void advance();

  /// Bytes of this and all later pieces, headers included.
  [[nodiscard]] std::size_t remaining_bytes() const noexcept;

  /// Whether the sender understands CE (ECT(0) or ECT(1), RFC 3168), and the mark itself, on the
  /// present piece only. Needs `!done()`.
  [[nodiscard]] bool ecn_capable() const noexcept;
  void mark_ce() noexcept;

  /// Source, destination and protocol are the same in all pieces: the head of the super-packet, to
  /// be read before the first `advance()`.
  [[nodiscard]] ByteView first_bytes() const noexcept;
};

}  // namespace slopn::offload
