#include "libtunnel/core/offload/segmenter.hpp"

#include <algorithm>
#include <cstring>

#include "libtunnel/core/offload/fields.hpp"
#include "libtunnel/core/wire/checksum.hpp"
#include "libtunnel/core/wire/ip_packet.hpp"

namespace slopn::offload {
namespace {

constexpr unsigned kEcnMask = 3;

// Whether all options may stand in every piece: those that RFC 791 section 3.1 copies into
// fragments, and padding.
bool repeatable_options(ByteView options) noexcept
{
  constexpr unsigned kEnd = 0;
  constexpr unsigned kPadding = 1;
  constexpr unsigned kCopied = 0x80;
  while (!options.empty()) {
    const unsigned type = octet(options.data());
    if (type == kEnd) return true;
    if (type == kPadding) {
      options = options.subspan(1);
      continue;
    }
    if ((type & kCopied) == 0 || options.size() < 2) return false;
    const std::size_t bytes = octet(&options[1]);
    if (bytes < 2 || bytes > options.size()) return false;
    options = options.subspan(bytes);
  }
  return true;
}

// Replaces the pseudo header's sum in the checksum field by the checksum. The field lies in
// `packet`.
void fill_checksum(MutableByteView packet, std::size_t start, std::size_t offset) noexcept
{
  const auto sum = static_cast<std::uint16_t>(~wire::fold(wire::sum_words(packet.subspan(start))));
  // Zero means "none" in UDP; elsewhere both are the same number (RFC 768).
  store16(&packet[start + offset], sum == 0 ? 0xffffU : sum);
}

}  // namespace

std::optional<Segmenter::Layout> Segmenter::read_layout(ByteView packet) noexcept
{
  const std::byte* const ip = packet.data();
  Layout layout;
  switch (octet(ip) >> 4U) {
    case 4:
      layout.upper_at = (octet(ip) & 0x0fU) * std::size_t{4};
      if (packet.size() < wire::kIpV4HeaderBytes || layout.upper_at < wire::kIpV4HeaderBytes ||
          packet.size() < layout.upper_at || load16(ip + kV4TotalLength) != packet.size())
        return std::nullopt;
      layout.v4 = true;
      layout.protocol = octet(ip + kV4Protocol);
      layout.fragment = (load16(ip + kV4Fragment) & kV4IsFragment) != 0;
      return layout;
    case 6:
      if (packet.size() < wire::kIpV6HeaderBytes ||
          wire::kIpV6HeaderBytes + load16(ip + kV6PayloadLength) != packet.size())
        return std::nullopt;
      layout.upper_at = wire::kIpV6HeaderBytes;
      layout.protocol = octet(ip + kV6NextHeader);
      if (layout.protocol == wire::kProtocolTcp || layout.protocol == wire::kProtocolUdp)
        return layout;
      if (const auto header = wire::parse_ip_header(packet)) {
        layout.protocol = header->protocol;
        layout.upper_at = header->payload_offset;
        layout.fragment = header->is_fragment;
        return layout;
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

// Whether the fields of `offload` describe this packet's headers.
bool Segmenter::may_split(const HostPacket& packet, const Layout& layout) noexcept
{
  const Offload& offload = packet.offload;
  const bool tcp = offload.split != Offload::Split::udp;
  if (offload.split == Offload::Split::tcp_v4 && !layout.v4) return false;
  if (offload.split == Offload::Split::tcp_v6 && layout.v4) return false;
  if (layout.protocol != (tcp ? wire::kProtocolTcp : wire::kProtocolUdp)) return false;
  // Without this the old checksum may be wrong, and ours would hide it.
  if (!offload.checksum_missing || offload.checksum_start != layout.upper_at ||
      offload.checksum_offset != (tcp ? kTcpChecksum : kUdpChecksum))
    return false;
  if (!layout.v4) return layout.upper_at == wire::kIpV6HeaderBytes;
  return repeatable_options(
      packet.bytes.subspan(wire::kIpV4HeaderBytes, layout.upper_at - wire::kIpV4HeaderBytes));
}

std::optional<Segmenter> Segmenter::open(const HostPacket& packet, std::size_t mtu_bytes)
{
  if (packet.bytes.empty()) return std::nullopt;
  std::optional<Segmenter> segmenter{std::in_place, Key{}, packet.bytes};
  const Offload& offload = packet.offload;
  const bool split = offload.split != Offload::Split::none;
  if (!split && !offload.checksum_missing) return segmenter;

  const auto layout = read_layout(packet.bytes);
  if (!layout || layout->fragment) return std::nullopt;
  const std::size_t start = offload.checksum_start;
  const std::size_t offset = offload.checksum_offset;
  if (start < layout->upper_at || start + offset + 2 > packet.bytes.size()) return std::nullopt;
  if (split &&
      (!may_split(packet, *layout) || !segmenter->set_up_split(offload, *layout, mtu_bytes)))
    return std::nullopt;
  if (segmenter->header_bytes_ == 0) fill_checksum(packet.bytes, start, offset);
  return segmenter;
}

// False if the packet cannot be cut. A super-packet that is no longer than one piece stays whole.
bool Segmenter::set_up_split(const Offload& offload, const Layout& layout,
                             std::size_t mtu_bytes) noexcept
{
  const std::byte* const ip = packet_.data();
  const std::byte* const upper = ip + layout.upper_at;
  const std::size_t upper_bytes = packet_.size() - layout.upper_at;
  tcp_ = layout.protocol == wire::kProtocolTcp;

  std::size_t upper_header_bytes = kUdpHeaderBytes;
  segment_bytes_ = offload.segment_bytes;
  if (tcp_) {
    if (upper_bytes < kTcpHeaderBytes) return false;
    tcp_flags_ = load16(upper + kTcpFlags);
    upper_header_bytes = (tcp_flags_ >> 12U) * std::size_t{4};
    if (upper_header_bytes < kTcpHeaderBytes || (tcp_flags_ & (kTcpSyn | kTcpRst)) != 0)
      return false;
  }
  const std::size_t header_bytes = layout.upper_at + upper_header_bytes;
  if (upper_bytes < upper_header_bytes || header_bytes > kMaxHeaderBytes) return false;
  if (tcp_) {
    if (mtu_bytes < header_bytes) return false;
    segment_bytes_ = std::min(segment_bytes_, mtu_bytes - header_bytes);
  }
  const std::size_t all_payload = packet_.size() - header_bytes;
  if (segment_bytes_ < (tcp_ ? kTcpMinSegmentBytes : 1)) return false;
  if (all_payload <= segment_bytes_) return true;

  pieces_left_ = (all_payload + segment_bytes_ - 1) / segment_bytes_;
  if (!tcp_ && pieces_left_ > kMaxUdpPieces) return false;
  header_bytes_ = header_bytes;
  payload_at_ = header_bytes;
  upper_at_ = static_cast<std::uint8_t>(layout.upper_at);
  v4_ = layout.v4;
  std::memcpy(header_.data(), ip, header_bytes);

  // The fields that differ are left out of the sums: as zeros, which build_header() overwrites.
  std::byte* const own = header_.data();
  if (v4_) {
    id_ = load16(ip + kV4Id);
    store16(own + kV4TotalLength, 0);
    store16(own + kV4Id, 0);
    store16(own + kV4Checksum, 0);
    ip_sum_ = wire::sum_words({own, layout.upper_at});
  }
  std::byte* const own_upper = own + layout.upper_at;
  if (tcp_) {
    first_sequence_ = load32(upper + kTcpSequence);
    store32(own_upper + kTcpSequence, 0);
    store16(own_upper + kTcpFlags, 0);
    store16(own_upper + kTcpChecksum, 0);
  } else {
    store16(own_upper + kUdpLength, 0);
    store16(own_upper + kUdpChecksum, 0);
  }
  const ByteView addresses = v4_ ? ByteView{ip + kV4Addresses, 8} : ByteView{ip + kV6Addresses, 32};
  upper_sum_ = wire::sum_words(addresses) + layout.protocol +
               wire::sum_words({own_upper, upper_header_bytes});
  return true;
}

Segmenter::Piece Segmenter::piece() noexcept
{
  if (header_bytes_ == 0) return {packet_, {}};
  const ByteView payload = packet_.subspan(payload_at_, payload_bytes());
  if (!built_) build_header(payload);
  return {ByteView{header_}.first(header_bytes_), payload};
}

void Segmenter::build_header(ByteView payload) noexcept
{
  std::byte* const ip = header_.data();
  std::byte* const upper = ip + upper_at_;
  const std::size_t upper_bytes = header_bytes_ - upper_at_ + payload.size();
  ip[1] = packet_[1];  // without the mark of the piece before
  if (v4_) {
    const std::size_t total_bytes = upper_at_ + upper_bytes;
    store16(ip + kV4TotalLength, total_bytes);
    store16(ip + kV4Id, id_);
    const auto checksum = static_cast<std::uint16_t>(~wire::fold(ip_sum_ + total_bytes + id_));
    store16(ip + kV4Checksum, checksum);
  } else {
    store16(ip + kV6PayloadLength, upper_bytes);
  }

  std::uint64_t sum = upper_sum_ + upper_bytes + wire::sum_words(payload);
  if (tcp_) {
    sum += build_tcp(upper);
    store16(upper + kTcpChecksum, static_cast<std::uint16_t>(~wire::fold(sum)));
  } else {
    store16(upper + kUdpLength, upper_bytes);
    const auto checksum = static_cast<std::uint16_t>(~wire::fold(sum + upper_bytes));
    store16(upper + kUdpChecksum, checksum == 0 ? 0xffffU : checksum);
  }
  built_ = true;
}

// Writes what differs from piece to piece in the TCP header, and returns its sum.
std::uint64_t Segmenter::build_tcp(std::byte* tcp) const noexcept
{
  const std::size_t before = payload_at_ - header_bytes_;
  const std::uint32_t sequence = first_sequence_ + static_cast<std::uint32_t>(before);
  unsigned flags = tcp_flags_;
  if (pieces_left_ > 1) flags &= ~unsigned{kTcpFin | kTcpPsh};
  if (before != 0) flags &= ~unsigned{kTcpCwr};
  store32(tcp + kTcpSequence, sequence);
  store16(tcp + kTcpFlags, flags);
  return std::uint64_t{sequence >> 16U} + (sequence & 0xffffU) + flags;
}

void Segmenter::advance()
{
  payload_at_ += header_bytes_ == 0 ? packet_.size() : payload_bytes();
  --pieces_left_;
  ++id_;
  built_ = false;
}

bool Segmenter::ecn_capable() const noexcept
{
  switch (octet(packet_.data()) >> 4U) {
    case 4:
      return packet_.size() >= wire::kIpV4HeaderBytes && (octet(&packet_[kV4Tos]) & kEcnMask) != 0;
    case 6:
      return packet_.size() >= wire::kIpV6HeaderBytes && (octet(&packet_[1]) >> 4U & kEcnMask) != 0;
    default:
      return false;
  }
}

void Segmenter::mark_ce() noexcept
{
  if (!ecn_capable()) return;
  [[maybe_unused]] const Piece present = piece();
  std::byte* const ip = header_bytes_ == 0 ? packet_.data() : header_.data();
  if (octet(ip) >> 4U == 6) {
    ip[1] |= std::byte{kEcnMask << 4U};
    return;
  }
  const std::uint16_t before = load16(ip);
  const std::uint16_t after = before | kEcnMask;
  ip[kV4Tos] |= std::byte{kEcnMask};
  // RFC 1624 equation 3: HC' = ~(~HC + ~m + m')
  const std::uint64_t sum = static_cast<std::uint16_t>(~load16(ip + kV4Checksum)) +
                            std::uint64_t{static_cast<std::uint16_t>(~before)} + after;
  store16(ip + kV4Checksum, static_cast<std::uint16_t>(~wire::fold(sum)));
}

Segmenter Segmenter::moved_to(std::byte* storage) const
{
  Segmenter moved = *this;
  moved.packet_ = {storage, packet_.size()};
  std::ranges::copy(packet_, storage);
  return moved;
}

ByteVector Segmenter::Piece::to_bytes() const
{
  ByteVector bytes{header.begin(), header.end()};
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

}  // namespace slopn::offload
