#include "libtunnel/core/wire/ip_packet.hpp"

#include "libtunnel/core/wire/checksum.hpp"

namespace slopn::wire {
namespace {

constexpr unsigned kVersion4 = 4;
constexpr unsigned kVersion6 = 6;

// Offsets in the IPv4 header, RFC 791 section 3.1.
constexpr std::size_t kV4TrafficClass = 1;
constexpr std::size_t kV4TotalLength = 2;
constexpr std::size_t kV4Fragment = 6;
constexpr std::size_t kV4Ttl = 8;
constexpr std::size_t kV4Protocol = 9;
constexpr std::size_t kV4Checksum = 10;
constexpr std::size_t kV4Source = 12;
constexpr std::size_t kV4Destination = 16;
constexpr unsigned kV4MoreFragments = 0x2000;
constexpr unsigned kV4FragmentOffset = 0x1fff;

// Offsets in the IPv6 header, RFC 8200 section 3.
constexpr std::size_t kV6PayloadLength = 4;
constexpr std::size_t kV6NextHeader = 6;
constexpr std::size_t kV6HopLimit = 7;
constexpr std::size_t kV6Source = 8;
constexpr std::size_t kV6Destination = 24;

// IPv6 extension headers (IANA "IPv6 Extension Header Types"). ESP is no part of the list: what
// follows it cannot be read.
constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kAuthentication = 51;
constexpr std::uint8_t kDestinationOptions = 60;
constexpr std::uint8_t kMobility = 135;
constexpr std::uint8_t kHostIdentity = 139;
constexpr std::uint8_t kShim6 = 140;
constexpr std::size_t kFragmentHeaderBytes = 8;
constexpr unsigned kV6FragmentOffset = 0xfff8;

// No honest packet has more; a walk without an end would be a way to spend our time.
constexpr int kMaxExtensions = 8;

unsigned octet(ByteView bytes, std::size_t at)
{
  return std::to_integer<unsigned>(bytes[at]);
}

unsigned word(ByteView bytes, std::size_t at)
{
  return octet(bytes, at) << 8U | octet(bytes, at + 1);
}

void set_word(MutableByteView bytes, std::size_t at, unsigned value)
{
  bytes[at] = static_cast<std::byte>(value >> 8U & 0xffU);
  bytes[at + 1] = static_cast<std::byte>(value & 0xffU);
}

std::optional<IpHeader> parse_v4(ByteView bytes) noexcept
{
  if (bytes.size() < kIpV4HeaderBytes) return std::nullopt;
  const std::size_t header_bytes = (octet(bytes, 0) & 0x0fU) * 4;
  const std::size_t packet_bytes = word(bytes, kV4TotalLength);
  if (header_bytes < kIpV4HeaderBytes || packet_bytes < header_bytes || bytes.size() < packet_bytes)
    return std::nullopt;

  const unsigned fragment = word(bytes, kV4Fragment);
  IpHeader header;
  header.version = IpVersion::v4;
  header.source = *IpAddress::from_bytes(bytes.subspan(kV4Source, 4));
  header.destination = *IpAddress::from_bytes(bytes.subspan(kV4Destination, 4));
  header.packet_bytes = packet_bytes;
  header.payload_offset = header_bytes;
  header.protocol = static_cast<std::uint8_t>(octet(bytes, kV4Protocol));
  header.ttl = static_cast<std::uint8_t>(octet(bytes, kV4Ttl));
  header.traffic_class = static_cast<std::uint8_t>(octet(bytes, kV4TrafficClass));
  header.is_later_fragment = (fragment & kV4FragmentOffset) != 0;
  header.is_fragment = header.is_later_fragment || (fragment & kV4MoreFragments) != 0;
  return header;
}

// How long the extension header at the start of `bytes` is; 0 when `type` is none.
std::size_t extension_bytes(std::uint8_t type, ByteView bytes) noexcept
{
  switch (type) {
    case kHopByHop:
    case kRouting:
    case kDestinationOptions:
    case kMobility:
    case kHostIdentity:
    case kShim6:
      return (octet(bytes, 1) + 1) * 8;
    case kAuthentication:
      return (octet(bytes, 1) + 2) * 4;
    case kFragment:
      return kFragmentHeaderBytes;
    default:
      return 0;
  }
}

bool is_extension(std::uint8_t type) noexcept
{
  switch (type) {
    case kHopByHop:
    case kRouting:
    case kFragment:
    case kAuthentication:
    case kDestinationOptions:
    case kMobility:
    case kHostIdentity:
    case kShim6:
      return true;
    default:
      return false;
  }
}

// Goes through the extension headers of `packet` and fills in what they say; false when they
// leave the packet or do not end.
bool walk_extensions(ByteView packet, IpHeader& header) noexcept
{
  for (int walked = 0; is_extension(header.protocol); ++walked) {
    const ByteView rest = packet.subspan(header.payload_offset);
    if (walked == kMaxExtensions || rest.size() < kFragmentHeaderBytes) return false;
    const std::size_t size_bytes = extension_bytes(header.protocol, rest);
    if (rest.size() < size_bytes) return false;

    const bool fragment = header.protocol == kFragment;
    header.protocol = static_cast<std::uint8_t>(octet(rest, 0));
    header.payload_offset += size_bytes;
    if (!fragment) continue;
    const unsigned position = word(rest, 2);
    header.is_later_fragment = (position & kV6FragmentOffset) != 0;
    header.is_fragment = header.is_later_fragment || (position & 1U) != 0;
    if (header.is_later_fragment) return true;  // what follows is the middle of something
  }
  return true;
}

std::optional<IpHeader> parse_v6(ByteView bytes) noexcept
{
  if (bytes.size() < kIpV6HeaderBytes) return std::nullopt;
  IpHeader header;
  header.version = IpVersion::v6;
  // A jumbogram says 0 here and continues with a hop-by-hop header, which then lies outside.
  header.packet_bytes = kIpV6HeaderBytes + word(bytes, kV6PayloadLength);
  if (bytes.size() < header.packet_bytes) return std::nullopt;

  header.source = *IpAddress::from_bytes(bytes.subspan(kV6Source, 16));
  header.destination = *IpAddress::from_bytes(bytes.subspan(kV6Destination, 16));
  header.payload_offset = kIpV6HeaderBytes;
  header.protocol = static_cast<std::uint8_t>(octet(bytes, kV6NextHeader));
  header.ttl = static_cast<std::uint8_t>(octet(bytes, kV6HopLimit));
  header.traffic_class = static_cast<std::uint8_t>(word(bytes, 0) >> 4U & 0xffU);
  if (!walk_extensions(bytes.first(header.packet_bytes), header)) return std::nullopt;
  return header;
}

}  // namespace

std::optional<IpHeader> parse_ip_header(ByteView bytes) noexcept
{
  if (bytes.empty()) return std::nullopt;
  switch (octet(bytes, 0) >> 4U) {
    case kVersion4:
      return parse_v4(bytes);
    case kVersion6:
      return parse_v6(bytes);
    default:
      return std::nullopt;
  }
}

bool decrement_ttl(MutableByteView packet) noexcept
{
  if (packet.empty()) return false;
  const unsigned version = octet(packet, 0) >> 4U;
  if (version == kVersion6 && packet.size() >= kIpV6HeaderBytes) {
    const unsigned hop_limit = octet(packet, kV6HopLimit);
    if (hop_limit <= 1) return false;
    packet[kV6HopLimit] = static_cast<std::byte>(hop_limit - 1);
    return true;
  }
  if (version == kVersion4 && packet.size() >= kIpV4HeaderBytes) {
    if (octet(packet, kV4Ttl) <= 1) return false;
    const unsigned before = word(packet, kV4Ttl);
    const unsigned after = before - 0x100U;  // the TTL is the upper half of this word
    set_word(packet, kV4Ttl, after);
    // RFC 1624 equation 3: HC' = ~(~HC + ~m + m')
    const std::uint64_t sum = (~word(packet, kV4Checksum) & 0xffffU) + (~before & 0xffffU) + after;
    set_word(packet, kV4Checksum, ~fold(sum) & 0xffffU);
    return true;
  }
  return false;
}

std::uint16_t internet_checksum(ByteView bytes, std::uint64_t partial) noexcept
{
  return static_cast<std::uint16_t>(~fold(partial + sum_words(bytes)));
}

std::uint64_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination,
                                std::uint8_t protocol, std::size_t upper_bytes) noexcept
{
  const std::uint64_t length = upper_bytes;
  return sum_words(source.bytes()) + sum_words(destination.bytes()) + protocol + (length >> 16U) +
         (length & 0xffffU);
}

}  // namespace slopn::wire
