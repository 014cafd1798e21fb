#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "libtunnel/base/host_packet.hpp"

namespace slopn::offload {

/// Cuts a host's super-packet into packets that fit the tunnel (TSO and USO in software), and
/// fills in the checksum that the host left out. Payloads are not copied: each piece is a header
/// of our own and a view into the super-packet.
///
/// A packet that needs none of it comes out as the one piece it is.
class Segmenter {
  struct Key {
    explicit Key() = default;
  };

 public:
  /// Longest IP and TCP header of a super-packet: 40 of IPv6, or 60 of IPv4 with options, and 60.
  /// Super-packets with IPv6 extension headers are refused; no kernel makes them for a TUN.
  static constexpr std::size_t kMaxHeaderBytes = 120;

  /// Most pieces of a UDP super-packet: what Linux makes (UDP_MAX_SEGMENTS).
  static constexpr std::size_t kMaxUdpPieces = 128;

  /// Takes `packet`, whose bytes must stay and be ours to write while the segmenter lives. TCP
  /// payloads are cut to pieces of at most `mtu_bytes`, finer than the host asked for if need be;
  /// nothing else is: compare `packet_bytes()` of a piece with the path's limit.
  /// A packet without `split` gets its missing checksum here, once: open it once.
  /// nullopt when `offload` does not match the packet: a checksum field outside of it, another
  /// protocol or IP version than it says, a header that is longer than the packet, a length other
  /// than the packet's, a fragment, IPv4 options in a super-packet that may not be repeated, more
  /// pieces than the packet can hold; and when `mtu_bytes` leaves no room for payload.
  /// `header_bytes` is not looked at: what Linux says there is no more than a hint.
  [[nodiscard]] static std::optional<Segmenter> open(const HostPacket& packet,
                                                     std::size_t mtu_bytes);

  /// For `open()` alone.
  Segmenter(Key /*unused*/, MutableByteView packet) noexcept : packet_(packet) {}

  /// No piece is left.
  [[nodiscard]] bool done() const noexcept { return pieces_left_ == 0; }

  /// One packet in two parts; the second may be empty. Valid until `advance()` or `mark_ce()`, and
  /// while the segmenter stays where it is.
  struct Piece {
    ByteView header;
    ByteView payload;
    [[nodiscard]] std::size_t packet_bytes() const noexcept
    {
      return header.size() + payload.size();
    }
    /// A copy of the packet in one part.
    [[nodiscard]] ByteVector to_bytes() const;
  };
  /// Needs `!done()`. Computes the checksums when it is called first for a piece.
  [[nodiscard]] Piece piece() noexcept;
  /// Length of what `piece()` returns, at no cost. Needs `!done()`.
  [[nodiscard]] std::size_t piece_bytes() const noexcept { return header_bytes_ + payload_bytes(); }
  /// Goes on to the next piece. Needs `!done()`.
  void advance();

  /// The same packet at the same place, in other memory: copies the bytes to `storage`, which has
  /// room for `first_bytes()`.
  [[nodiscard]] Segmenter moved_to(std::byte* storage) const;

  /// Bytes of this and all later pieces, headers included.
  [[nodiscard]] std::size_t remaining_bytes() const noexcept
  {
    return packet_.size() - payload_at_ + header_bytes_ * pieces_left_;
  }

  /// Whether the sender understands CE (RFC 3168): ECT(0), ECT(1), or the mark itself, made by
  /// somebody before us. `mark_ce()` makes it, on the present piece only. Both need `!done()`.
  [[nodiscard]] bool ecn_capable() const noexcept;
  void mark_ce() noexcept;

  /// Source, destination and protocol are the same in all pieces: the super-packet, to be read
  /// before the first `advance()`.
  [[nodiscard]] ByteView first_bytes() const noexcept { return packet_; }

 private:
  // Where the headers of the super-packet are.
  struct Layout {
    bool v4 = false;
    bool fragment = false;
    std::uint8_t protocol = 0;
    std::size_t upper_at = 0;  // where the header above IP begins
  };
  [[nodiscard]] static std::optional<Layout> read_layout(ByteView packet) noexcept;
  [[nodiscard]] static bool may_split(const HostPacket& packet, const Layout& layout) noexcept;

  [[nodiscard]] bool set_up_split(const Offload& offload, const Layout& layout,
                                  std::size_t mtu_bytes) noexcept;
  [[nodiscard]] std::size_t payload_bytes() const noexcept
  {
    return pieces_left_ == 1 ? packet_.size() - payload_at_ : segment_bytes_;
  }
  void build_header(ByteView payload) noexcept;
  std::uint64_t build_tcp(std::byte* tcp) const noexcept;

  MutableByteView packet_;
  std::size_t payload_at_ = 0;     // of the present piece
  std::size_t header_bytes_ = 0;   // of each piece; 0 for a packet that stays in one
  std::size_t segment_bytes_ = 0;  // payload of each piece but the last
  std::size_t pieces_left_ = 1;
  // Sums over what all pieces have in common: the IPv4 header; pseudo header and TCP or UDP header.
  std::uint64_t ip_sum_ = 0;
  std::uint64_t upper_sum_ = 0;
  std::uint32_t first_sequence_ = 0;
  std::uint16_t tcp_flags_ = 0;  // the whole word
  std::uint16_t id_ = 0;         // of the present piece
  std::uint8_t upper_at_ = 0;
  bool v4_ = false;
  bool tcp_ = false;
  bool built_ = false;  // header_ is that of the present piece
  std::array<std::byte, kMaxHeaderBytes> header_;
};

}  // namespace slopn::offload
