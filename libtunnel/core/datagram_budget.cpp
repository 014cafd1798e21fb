#include "libtunnel/core/datagram_budget.hpp"

#include <algorithm>

#include "libtunnel/core/wire/varint.hpp"

namespace slopn {
namespace {

constexpr std::size_t kFlagsBytes = 1;
constexpr std::size_t kPacketNumberBytes = 4;
constexpr std::size_t kFrameTypeBytes = 1;
constexpr std::size_t kShortLengthBytes = 2;
constexpr std::size_t kLongLengthBytes = 4;
constexpr std::size_t kMaxShortLength = 16383;  // RFC 9000 section 16
constexpr std::size_t kAeadTagBytes = 16;  // every cipher suite TLS 1.3 allows us, RFC 9001 s. 5.3

std::size_t packet_overhead_bytes(const DatagramBudget& budget) noexcept
{
  return kFlagsBytes + budget.dcid_bytes + kPacketNumberBytes + kAeadTagBytes;
}

std::size_t http_prefix_bytes(const DatagramBudget& budget) noexcept
{
  return wire::varint_size(budget.stream_id / 4) + wire::varint_size(budget.context_id);
}

// A short length is never written in one byte: ngtcp2 always takes two.
std::size_t length_bytes(std::size_t frame_payload_bytes) noexcept
{
  return frame_payload_bytes <= kMaxShortLength ? kShortLengthBytes : kLongLengthBytes;
}

}  // namespace

std::optional<std::size_t> max_inner_packet_bytes(const DatagramBudget& budget) noexcept
{
  const std::size_t packet_bytes = packet_overhead_bytes(budget);
  if (budget.udp_payload_bytes <= packet_bytes) return std::nullopt;
  const std::size_t frame_bytes =
      std::min(budget.udp_payload_bytes - packet_bytes, budget.peer_max_datagram_frame_bytes);

  const std::size_t prefix_bytes = http_prefix_bytes(budget);
  if (frame_bytes <= kFrameTypeBytes + kShortLengthBytes + prefix_bytes) return std::nullopt;
  const std::size_t with_short = frame_bytes - kFrameTypeBytes - kShortLengthBytes;
  if (with_short <= kMaxShortLength) return with_short - prefix_bytes;
  return std::max(kMaxShortLength, frame_bytes - kFrameTypeBytes - kLongLengthBytes) - prefix_bytes;
}

std::size_t udp_payload_bytes_for(std::size_t inner_packet_bytes,
                                  const DatagramBudget& budget) noexcept
{
  const std::size_t frame_payload_bytes = http_prefix_bytes(budget) + inner_packet_bytes;
  return packet_overhead_bytes(budget) + kFrameTypeBytes + length_bytes(frame_payload_bytes) +
         frame_payload_bytes;
}

}  // namespace slopn
