#include "platform/linux/vnet_header.hpp"

namespace slopn::platform {
namespace {

constexpr std::uint8_t kNeedsChecksum = 1;  // flags
constexpr std::uint8_t kDataValid = 2;

constexpr std::uint8_t kGsoNone = 0;  // gso_type
constexpr std::uint8_t kGsoTcpV4 = 1;
constexpr std::uint8_t kGsoTcpV6 = 4;
constexpr std::uint8_t kGsoUdpL4 = 5;
constexpr std::uint8_t kGsoEcn = 0x80;  // beside one of the TCP kinds

}  // namespace

std::optional<Offload> from_vnet_header(const VnetHeader& header) noexcept
{
  Offload offload{.checksum_missing = (header.flags & kNeedsChecksum) != 0,
                  .checksum_known_good = (header.flags & kDataValid) != 0,
                  .header_bytes = header.hdr_len,
                  .segment_bytes = header.gso_size,
                  .checksum_start = header.csum_start,
                  .checksum_offset = header.csum_offset};
  switch (header.gso_type & ~kGsoEcn) {
    case kGsoNone:
      offload.split = Offload::Split::none;
      return offload;
    case kGsoTcpV4:
      offload.split = Offload::Split::tcp_v4;
      return offload;
    case kGsoTcpV6:
      offload.split = Offload::Split::tcp_v6;
      return offload;
    case kGsoUdpL4:
      offload.split = Offload::Split::udp;
      return offload;
    default:
      return std::nullopt;
  }
}

VnetHeader to_vnet_header(const Offload& offload) noexcept
{
  VnetHeader header{};
  if (offload.checksum_missing)
    header.flags = kNeedsChecksum;
  else if (offload.checksum_known_good)
    header.flags = kDataValid;
  switch (offload.split) {
    case Offload::Split::none:
      header.gso_type = kGsoNone;
      break;
    case Offload::Split::tcp_v4:
      header.gso_type = kGsoTcpV4;
      break;
    case Offload::Split::tcp_v6:
      header.gso_type = kGsoTcpV6;
      break;
    case Offload::Split::udp:
      header.gso_type = kGsoUdpL4;
      break;
  }
  header.hdr_len = offload.header_bytes;
  header.gso_size = offload.segment_bytes;
  header.csum_start = offload.checksum_start;
  header.csum_offset = offload.checksum_offset;
  return header;
}

}  // namespace slopn::platform
