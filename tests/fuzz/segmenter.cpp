// Any packet with any offload fields is refused or cut into right packets that make up the whole.
//
//     | split 1 | checksum missing 1 | header 2 | segment 2 | start 2 | offset 2 | MTU 2 | packet |

#include "libtunnel/core/offload/segmenter.hpp"

#include <cstddef>
#include <cstdint>

#include "libtunnel/core/wire/ip_packet.hpp"
#include "tests/fuzz/must.hpp"

namespace {

using namespace slopn;

constexpr std::size_t kFieldBytes = 12;

// One of the pieces of a super-packet, as one packet.
void check_piece(ByteView packet)
{
  const auto header = wire::parse_ip_header(packet);
  fuzz::must(header && header->packet_bytes == packet.size());
  fuzz::must(!header->is_fragment);
  if (header->version == IpVersion::v4)
    fuzz::must(wire::internet_checksum(packet.first(header->payload_offset)) == 0);
  const ByteView upper = packet.subspan(header->payload_offset);
  const auto pseudo =
      wire::pseudo_header_sum(header->source, header->destination, header->protocol, upper.size());
  fuzz::must(wire::internet_checksum(upper, pseudo) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  if (size < kFieldBytes || size > kFieldBytes + kMaxHostPacketBytes) return 0;
  const auto word = [&](std::size_t at) {
    return static_cast<std::uint16_t>(data[at] << 8U | data[at + 1]);
  };
  const Offload offload{.split = static_cast<Offload::Split>(data[0] & 3U),
                        .checksum_missing = (data[1] & 1U) != 0,
                        .header_bytes = word(2),
                        .segment_bytes = word(4),
                        .checksum_start = word(6),
                        .checksum_offset = word(8)};
  const ByteView input = view(data + kFieldBytes, size - kFieldBytes);
  ByteVector packet{input.begin(), input.end()};
  const std::size_t mtu_bytes = word(10);
  auto segmenter = offload::Segmenter::open({packet, offload}, mtu_bytes);
  if (!segmenter) return 0;

  const bool split = offload.split != Offload::Split::none;
  fuzz::must(segmenter->first_bytes().size() == packet.size());
  ByteVector whole;
  std::size_t header_bytes = 0;
  for (std::size_t count = 0; !segmenter->done(); ++count, segmenter->advance()) {
    if ((count & 1U) != 0) segmenter->mark_ce();
    const auto piece = segmenter->piece();
    const std::size_t piece_bytes = piece.packet_bytes();
    fuzz::must(piece_bytes == segmenter->piece_bytes());
    fuzz::must(piece_bytes != 0 && piece_bytes <= segmenter->remaining_bytes());
    const bool cut = !piece.payload.empty();
    if (offload.split == Offload::Split::udp && cut)
      fuzz::must(count < offload::Segmenter::kMaxUdpPieces);
    if (split && cut && offload.split != Offload::Split::udp) fuzz::must(piece_bytes <= mtu_bytes);
    // Beginning and end are enough: the sum of all would be quadratic in small pieces.
    if (cut && (count < 8 || segmenter->remaining_bytes() == piece_bytes)) {
      ByteVector one{piece.header.begin(), piece.header.end()};
      one.insert(one.end(), piece.payload.begin(), piece.payload.end());
      check_piece(one);
    }
    if (cut) header_bytes = piece.header.size();
    whole.insert(whole.end(), piece.payload.begin(), piece.payload.end());
  }
  fuzz::must(segmenter->remaining_bytes() == 0);
  if (!whole.empty()) {
    const ByteView payload = input.subspan(header_bytes);
    fuzz::must(whole == ByteVector{payload.begin(), payload.end()});
  }
  return 0;
}
