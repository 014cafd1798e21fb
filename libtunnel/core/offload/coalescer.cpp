#include "libtunnel/core/offload/coalescer.hpp"

#include <cstring>
#include <utility>

#include "libtunnel/core/offload/fields.hpp"
#include "libtunnel/core/wire/checksum.hpp"
#include "libtunnel/core/wire/ip_packet.hpp"

namespace slopn::offload {
namespace {

constexpr std::uint8_t kVersion4 = 4;
constexpr std::uint8_t kVersion6 = 6;
constexpr unsigned kPlainV4 = 0x45;  // version 4, no options

constexpr std::size_t kCacheLineBytes = 64;
// Not a power of two: the headers of all slots would fall into the same few lines of the cache.
constexpr std::size_t kSlotBytes = 65'536 + 5 * kCacheLineBytes;
// Room for any one packet, and for a batch of those that are usually not joined.
constexpr std::size_t kSinglesBytes = 262'144;
static_assert(kSlotBytes >= Coalescer::kMaxSuperBytes && kSinglesBytes >= kMaxHostPacketBytes);

constexpr std::size_t aligned(std::size_t bytes)
{
  return (bytes + kCacheLineBytes - 1) / kCacheLineBytes * kCacheLineBytes;
}

// Whether a sum with the checksum itself in it comes out right.
bool sums_up(std::uint64_t sum) noexcept
{
  return wire::fold(sum) == 0xffffU;
}

std::uint64_t pseudo_sum(const std::byte* ip, bool v4, std::uint8_t protocol,
                         std::size_t upper_bytes) noexcept
{
  const ByteView addresses = v4 ? ByteView{ip + kV4Addresses, 8} : ByteView{ip + kV6Addresses, 32};
  return wire::sum_words(addresses) + protocol + upper_bytes;
}

}  // namespace

Coalescer::Coalescer(const Options& options)
    : options_(options),
      memory_(std::make_unique_for_overwrite<std::byte[]>(kMaxSuperPackets * kSlotBytes +
                                                          kSinglesBytes))
{
}

std::byte* Coalescer::slot(const Super& super) const noexcept
{
  return memory_.get() + static_cast<std::size_t>(&super - supers_.data()) * kSlotBytes;
}

// The IP header. Lengths are checked so far that nothing behind this reads outside of the packet.
Coalescer::Parsed Coalescer::parse(ByteView packet) noexcept
{
  Parsed parsed;
  if (packet.size() < wire::kIpV4HeaderBytes) return parsed;
  const std::byte* const ip = packet.data();
  parsed.flow.version = octet(ip) >> 4U;
  if (parsed.flow.version == kVersion4) {
    parsed.flow.protocol = octet(ip + kV4Protocol);
    parsed.flow.addresses[0] = load_raw<std::uint64_t>(ip + kV4Addresses);
    parsed.upper_at = (octet(ip) & 0x0fU) * std::size_t{4};
    if (parsed.flow.protocol != wire::kProtocolTcp && parsed.flow.protocol != wire::kProtocolUdp)
      return parsed;
    parsed.kind = Parsed::Kind::addressed;
    const unsigned fragment = load16(ip + kV4Fragment);
    if ((fragment & kV4IsFragment) != 0 || parsed.upper_at < wire::kIpV4HeaderBytes) return parsed;
    const bool plain = octet(ip) == kPlainV4 && (fragment & ~unsigned{kV4DontFragment}) == 0 &&
                       load16(ip + kV4TotalLength) == packet.size();
    parse_upper(packet, plain, parsed);
  } else if (parsed.flow.version == kVersion6 && packet.size() >= wire::kIpV6HeaderBytes) {
    parsed.flow.protocol = octet(ip + kV6NextHeader);
    std::memcpy(parsed.flow.addresses.data(), ip + kV6Addresses, sizeof parsed.flow.addresses);
    parsed.upper_at = wire::kIpV6HeaderBytes;
    if (parsed.flow.protocol == wire::kProtocolIcmpV6) return parsed;
    parsed.kind = Parsed::Kind::addressed;  // extension headers may hide TCP or UDP
    if (parsed.flow.protocol != wire::kProtocolTcp && parsed.flow.protocol != wire::kProtocolUdp)
      return parsed;
    const bool plain = wire::kIpV6HeaderBytes + load16(ip + kV6PayloadLength) == packet.size();
    parse_upper(packet, plain, parsed);
  }
  return parsed;
}

// What is above IP. `plain` is whether nothing in the IP header speaks against joining.
void Coalescer::parse_upper(ByteView packet, bool plain, Parsed& parsed) noexcept
{
  const bool tcp = parsed.flow.protocol == wire::kProtocolTcp;
  if (packet.size() < parsed.upper_at + (tcp ? kTcpHeaderBytes : kUdpHeaderBytes)) return;
  const std::byte* const upper = packet.data() + parsed.upper_at;
  const std::size_t upper_bytes = packet.size() - parsed.upper_at;
  parsed.flow.ports = load_raw<std::uint32_t>(upper);
  parsed.kind = Parsed::Kind::single;
  if (!plain || packet.size() > kMaxSuperBytes) return;

  if (!tcp) {
    parsed.header_bytes = parsed.upper_at + kUdpHeaderBytes;
    if (load16(upper + kUdpLength) == upper_bytes && upper_bytes > kUdpHeaderBytes &&
        load16(upper + kUdpChecksum) != 0)
      parsed.kind = Parsed::Kind::starter;
    return;
  }
  const unsigned flags = load16(upper + kTcpFlags);
  const std::size_t tcp_header_bytes = (flags >> 12U) * std::size_t{4};
  if (tcp_header_bytes < kTcpHeaderBytes || upper_bytes <= tcp_header_bytes) return;
  if ((flags & kTcpFlagMask & ~unsigned{kTcpFin | kTcpPsh | kTcpEce}) != kTcpAck ||
      load16(upper + kTcpUrgentPointer) != 0)
    return;
  parsed.header_bytes = parsed.upper_at + tcp_header_bytes;
  const bool may_grow = (flags & (kTcpFin | kTcpPsh)) == 0 &&
                        packet.size() - parsed.header_bytes >= kTcpMinSegmentBytes;
  parsed.kind = may_grow ? Parsed::Kind::starter : Parsed::Kind::joinable;
}

bool Coalescer::checksums_right(ByteView packet, const Super& super) noexcept
{
  const bool v4 = super.flow.version == kVersion4;
  if (v4 && !sums_up(wire::sum_words(packet.first(wire::kIpV4HeaderBytes)))) return false;
  const ByteView upper = packet.subspan(super.upper_at);
  return sums_up(pseudo_sum(packet.data(), v4, super.flow.protocol, upper.size()) +
                 wire::sum_words(upper));
}

Coalescer::Super* Coalescer::find_open(const Flow& flow) noexcept
{
  for (std::size_t i = 0; i < open_count_; ++i) {
    Super& super = supers_[open_[i]];
    if (!(super.flow == flow)) continue;
    std::swap(open_[0], open_[i]);  // packets come in trains: most likely the next one's, too
    return &super;
  }
  return nullptr;
}

// Ends what find_open() has found.
void Coalescer::close_found() noexcept
{
  open_[0] = open_[--open_count_];
}

// Ends all that a packet without visible ports could belong to.
void Coalescer::close_between(const Flow& addressed) noexcept
{
  for (std::size_t i = open_count_; i-- > 0;) {
    const Flow& flow = supers_[open_[i]].flow;
    if (flow.version == addressed.version && flow.addresses == addressed.addresses)
      open_[i] = open_[--open_count_];
  }
}

// Whether `packet` may be the next piece, its checksums and the space left aside.
bool Coalescer::same_headers(const Super& super, ByteView packet) const noexcept
{
  const std::byte* const first = slot(super);
  const std::byte* const next = packet.data();
  if (super.flow.version == kVersion4) {
    // Version, header length, TOS; fragment bits, TTL, protocol.
    if (load_raw<std::uint16_t>(first) != load_raw<std::uint16_t>(next) ||
        load_raw<std::uint32_t>(first + kV4Fragment) != load_raw<std::uint32_t>(next + kV4Fragment))
      return false;
    const auto steps = static_cast<std::uint16_t>(load16(next + kV4Id) - super.last_id);
    const bool fixed_allowed = (load16(first + kV4Fragment) & kV4DontFragment) != 0;
    if (steps > 1 || (steps == 0 && !fixed_allowed) || (super.id_steps && *super.id_steps != steps))
      return false;
  } else if (load_raw<std::uint32_t>(first) != load_raw<std::uint32_t>(next) ||
             load_raw<std::uint16_t>(first + kV6NextHeader) !=
                 load_raw<std::uint16_t>(next + kV6NextHeader)) {
    return false;  // version, traffic class, flow label; next header, hop limit
  }
  if (super.flow.protocol != wire::kProtocolTcp) return true;

  const std::byte* const first_tcp = first + super.upper_at;
  const std::byte* const next_tcp = next + super.upper_at;
  const unsigned flags = load16(next_tcp + kTcpFlags) & ~unsigned{kTcpFin | kTcpPsh};
  return load32(next_tcp + kTcpSequence) == super.next_sequence &&
         load_raw<std::uint32_t>(first_tcp + kTcpAcknowledgment) ==
             load_raw<std::uint32_t>(next_tcp + kTcpAcknowledgment) &&
         load16(first_tcp + kTcpFlags) == flags &&  // so the headers have one length
         load_raw<std::uint16_t>(first_tcp + kTcpWindow) ==
             load_raw<std::uint16_t>(next_tcp + kTcpWindow) &&
         std::memcmp(first_tcp + kTcpHeaderBytes, next_tcp + kTcpHeaderBytes,
                     super.header_bytes - super.upper_at - kTcpHeaderBytes) == 0;
}

bool Coalescer::joins(Super& super, const Parsed& parsed, ByteView packet) noexcept
{
  if (parsed.kind < Parsed::Kind::joinable || parsed.header_bytes != super.header_bytes)
    return false;
  const std::size_t payload_bytes = packet.size() - super.header_bytes;
  const bool tcp = super.flow.protocol == wire::kProtocolTcp;
  if (payload_bytes > super.segment_bytes || super.size_bytes + payload_bytes > kMaxSuperBytes ||
      (!tcp && super.segments == kMaxUdpSegments) || !same_headers(super, packet))
    return false;
  // Most packets stay alone: the first one's checksums are looked at when there is a second.
  if (super.segments == 1 && !checksums_right({slot(super), super.size_bytes}, super)) return false;
  return checksums_right(packet, super);
}

// True when nothing may follow.
bool Coalescer::append(Super& super, ByteView packet) noexcept
{
  const ByteView payload = packet.subspan(super.header_bytes);
  std::byte* const first = slot(super);
  std::memcpy(first + super.size_bytes, payload.data(), payload.size());
  super.size_bytes += payload.size();
  ++super.segments;
  if (super.flow.version == kVersion4) {
    const std::uint16_t id = load16(packet.data() + kV4Id);
    super.id_steps = static_cast<std::uint16_t>(id - super.last_id);
    super.last_id = id;
  }
  const bool shorter = payload.size() < super.segment_bytes;
  if (super.flow.protocol != wire::kProtocolTcp) return shorter;
  super.next_sequence += static_cast<std::uint32_t>(payload.size());
  const unsigned ending =
      load16(packet.data() + super.upper_at + kTcpFlags) & unsigned{kTcpFin | kTcpPsh};
  std::byte* const flags = first + super.upper_at + kTcpFlags;
  store16(flags, load16(flags) | ending);
  return shorter || ending != 0;
}

void Coalescer::start(const Parsed& parsed, ByteView packet) noexcept
{
  open_[open_count_++] = static_cast<std::uint8_t>(super_count_);
  Super& super = supers_[super_count_++];
  super = {.flow = parsed.flow,
           .size_bytes = packet.size(),
           .upper_at = parsed.upper_at,
           .header_bytes = parsed.header_bytes,
           .segment_bytes = packet.size() - parsed.header_bytes,
           .packet_index = packet_count_};
  if (parsed.flow.version == kVersion4) super.last_id = load16(packet.data() + kV4Id);
  if (parsed.flow.protocol == wire::kProtocolTcp)
    super.next_sequence = load32(packet.data() + parsed.upper_at + kTcpSequence) +
                          static_cast<std::uint32_t>(super.segment_bytes);
  std::memcpy(slot(super), packet.data(), packet.size());
  packets_[packet_count_++] = {{slot(super), packet.size()}, {}};
}

void Coalescer::add_single(ByteView packet) noexcept
{
  std::byte* const to = memory_.get() + kMaxSuperPackets * kSlotBytes + singles_bytes_;
  std::memcpy(to, packet.data(), packet.size());
  singles_bytes_ += aligned(packet.size());
  packets_[packet_count_++] = {{to, packet.size()}, {}};
}

bool Coalescer::push(ByteView packet)
{
  if (finished_) return false;
  Parsed parsed = parse(packet);
  const bool offered = parsed.flow.protocol == wire::kProtocolTcp ? options_.tcp : options_.udp;
  if (!offered) parsed.kind = Parsed::Kind::other;

  const bool of_a_flow = parsed.kind >= Parsed::Kind::single;
  Super* const super = of_a_flow ? find_open(parsed.flow) : nullptr;
  if (super != nullptr && joins(*super, parsed, packet)) {
    if (append(*super, packet)) close_found();
    return true;
  }

  const bool starts = parsed.kind == Parsed::Kind::starter;
  if (packet_count_ == kMaxPackets || (starts && super_count_ == kMaxSuperPackets) ||
      (!starts && singles_bytes_ + packet.size() > kSinglesBytes))
    return false;
  // Whatever comes later in this flow must not get in front of this packet.
  if (super != nullptr) close_found();
  if (parsed.kind == Parsed::Kind::addressed) close_between(parsed.flow);
  if (starts) {
    start(parsed, packet);
  } else {
    add_single(packet);
  }
  return true;
}

// Gives a super-packet the lengths and checksums of a whole, and says how it is to be cut.
void Coalescer::finish_super(const Super& super) noexcept
{
  if (super.segments == 1) return;
  std::byte* const ip = slot(super);
  std::byte* const upper = ip + super.upper_at;
  const bool v4 = super.flow.version == kVersion4;
  const bool tcp = super.flow.protocol == wire::kProtocolTcp;
  const std::size_t upper_bytes = super.size_bytes - super.upper_at;
  if (v4) {
    store16(ip + kV4TotalLength, super.size_bytes);
    store16(ip + kV4Checksum, 0);
    const auto sum = wire::fold(wire::sum_words({ip, wire::kIpV4HeaderBytes}));
    store16(ip + kV4Checksum, static_cast<std::uint16_t>(~sum));
  } else {
    store16(ip + kV6PayloadLength, upper_bytes);
  }
  if (!tcp) store16(upper + kUdpLength, upper_bytes);
  const std::size_t checksum_offset = tcp ? kTcpChecksum : kUdpChecksum;
  store16(upper + checksum_offset,
          wire::fold(pseudo_sum(ip, v4, super.flow.protocol, upper_bytes)));

  const auto tcp_split = v4 ? Offload::Split::tcp_v4 : Offload::Split::tcp_v6;
  packets_[super.packet_index] = {
      .bytes = {ip, super.size_bytes},
      .offload = {.split = tcp ? tcp_split : Offload::Split::udp,
                  .checksum_missing = true,
                  .header_bytes = static_cast<std::uint16_t>(super.header_bytes),
                  .segment_bytes = static_cast<std::uint16_t>(super.segment_bytes),
                  .checksum_start = static_cast<std::uint16_t>(super.upper_at),
                  .checksum_offset = static_cast<std::uint16_t>(checksum_offset)}};
}

std::span<const HostPacket> Coalescer::finish()
{
  if (!finished_) {
    finished_ = true;
    for (std::size_t i = 0; i < super_count_; ++i) finish_super(supers_[i]);
  }
  return std::span{packets_}.first(packet_count_);
}

void Coalescer::clear() noexcept
{
  super_count_ = 0;
  open_count_ = 0;
  singles_bytes_ = 0;
  packet_count_ = 0;
  finished_ = false;
}

}  // namespace slopn::offload
