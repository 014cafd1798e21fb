#include "tests/netns/platform/inner_packet.hpp"

#include <netinet/in.h>

#include <catch2/catch_test_macros.hpp>

#include "libtunnel/base/ip.hpp"

namespace slopn::test {
namespace {

constexpr std::size_t kIpv4HeaderBytes = 20;
constexpr std::size_t kIpv6HeaderBytes = 40;
constexpr std::uint8_t kTcpSyn = 0x02;
constexpr std::uint8_t kMssOption = 2;

class Writer {
 public:
  Writer& u8(std::uint8_t value)
  {
    bytes_.push_back(std::byte{value});
    return *this;
  }
  Writer& u16(std::uint16_t value)
  {
    return u8(static_cast<std::uint8_t>(value >> 8)).u8(static_cast<std::uint8_t>(value & 0xff));
  }
  Writer& u32(std::uint32_t value)
  {
    return u16(static_cast<std::uint16_t>(value >> 16))
        .u16(static_cast<std::uint16_t>(value & 0xffff));
  }
  Writer& bytes(ByteView more)
  {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  [[nodiscard]] ByteVector take() { return std::move(bytes_); }

 private:
  ByteVector bytes_;
};

std::uint16_t read_u16(ByteView bytes, std::size_t at)
{
  return static_cast<std::uint16_t>((std::to_integer<unsigned>(bytes[at]) << 8) |
                                    std::to_integer<unsigned>(bytes[at + 1]));
}

void write_u16(ByteVector& bytes, std::size_t at, std::uint16_t value)
{
  bytes[at] = std::byte{static_cast<std::uint8_t>(value >> 8)};
  bytes[at + 1] = std::byte{static_cast<std::uint8_t>(value & 0xff)};
}

// RFC 1071
std::uint16_t checksum(ByteView bytes)
{
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) sum += read_u16(bytes, at);
  if (bytes.size() % 2 != 0) sum += std::to_integer<std::uint32_t>(bytes.back()) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

struct Ends {
  IpAddress from;
  IpAddress to;
};

Ends parse(const std::string& from, const std::string& to)
{
  const auto source = IpAddress::parse(from);
  const auto destination = IpAddress::parse(to);
  REQUIRE(source);
  REQUIRE(destination);
  REQUIRE(source->version() == destination->version());
  return {*source, *destination};
}

// `segment` has its checksum at `checksum_at`, still zero.
ByteVector packet(const Ends& ends, std::uint8_t protocol, ByteVector segment,
                  std::size_t checksum_at)
{
  const auto length = static_cast<std::uint16_t>(segment.size());
  Writer pseudo;
  if (ends.from.is_v6() || protocol != IPPROTO_ICMP)
    pseudo.bytes(ends.from.bytes()).bytes(ends.to.bytes()).u16(protocol).u16(length);
  write_u16(segment, checksum_at, checksum(pseudo.bytes(segment).take()));

  Writer header;
  if (ends.from.is_v6()) {
    header.u32(0x60000000).u16(length).u8(protocol).u8(64);
    header.bytes(ends.from.bytes()).bytes(ends.to.bytes());
    return header.bytes(segment).take();
  }
  header.u16(0x4500).u16(static_cast<std::uint16_t>(kIpv4HeaderBytes + length)).u16(1).u16(0x4000);
  header.u8(64).u8(protocol).u16(0).bytes(ends.from.bytes()).bytes(ends.to.bytes());
  ByteVector whole = header.take();
  write_u16(whole, 10, checksum(whole));
  whole.insert(whole.end(), segment.begin(), segment.end());
  return whole;
}

std::optional<std::uint16_t> find_mss(ByteView tcp)
{
  for (std::size_t at = 20; at + 3 < tcp.size();) {
    const auto kind = std::to_integer<std::uint8_t>(tcp[at]);
    if (kind == kMssOption) return read_u16(tcp, at + 2);
    if (kind == 0) break;
    at += kind == 1 ? 1 : std::max<std::size_t>(2, std::to_integer<std::size_t>(tcp[at + 1]));
  }
  return std::nullopt;
}

}  // namespace

ByteVector udp_packet(const Flow& flow, const std::string& payload)
{
  Writer udp;
  udp.u16(flow.from_port).u16(flow.to_port).u16(static_cast<std::uint16_t>(8 + payload.size()));
  udp.u16(0).bytes(as_bytes(payload));
  return packet(parse(flow.from, flow.to), IPPROTO_UDP, udp.take(), 6);
}

ByteVector tcp_syn(const Flow& flow, std::uint16_t mss_bytes)
{
  Writer tcp;
  tcp.u16(flow.from_port).u16(flow.to_port).u32(1).u32(0);
  tcp.u8(0x60).u8(kTcpSyn).u16(0xffff).u16(0).u16(0);
  tcp.u8(kMssOption).u8(4).u16(mss_bytes);
  return packet(parse(flow.from, flow.to), IPPROTO_TCP, tcp.take(), 16);
}

ByteVector echo_request(const std::string& from, const std::string& to)
{
  const Ends ends = parse(from, to);
  Writer icmp;
  icmp.u8(ends.from.is_v6() ? 128 : 8).u8(0).u16(0).u16(7).u16(1).u32(0x736c6f70);
  const std::uint8_t protocol =
      ends.from.is_v6() ? std::uint8_t{IPPROTO_ICMPV6} : std::uint8_t{IPPROTO_ICMP};
  return packet(ends, protocol, icmp.take(), 2);
}

std::optional<PacketSummary> summarise(ByteView packet)
{
  if (packet.empty()) return std::nullopt;
  const auto version = std::to_integer<unsigned>(packet[0]) >> 4;
  const std::size_t header_bytes = version == 6 ? kIpv6HeaderBytes : kIpv4HeaderBytes;
  if ((version != 4 && version != 6) || packet.size() < header_bytes + 4) return std::nullopt;

  const std::size_t address_bytes = version == 6 ? 16 : 4;
  const ByteView addresses = packet.subspan(header_bytes - 2 * address_bytes, 2 * address_bytes);
  const ByteView segment = packet.subspan(header_bytes);
  PacketSummary summary;
  summary.from = IpAddress::from_bytes(addresses.first(address_bytes))->to_string();
  summary.to = IpAddress::from_bytes(addresses.last(address_bytes))->to_string();
  summary.protocol = std::to_integer<std::uint8_t>(packet[version == 6 ? 6 : 9]);
  if (summary.protocol == IPPROTO_ICMP || summary.protocol == IPPROTO_ICMPV6)
    summary.icmp_type = std::to_integer<std::uint8_t>(segment[0]);
  if (summary.protocol == IPPROTO_TCP || summary.protocol == IPPROTO_UDP) {
    summary.from_port = read_u16(segment, 0);
    summary.to_port = read_u16(segment, 2);
  }
  if (summary.protocol == IPPROTO_TCP && segment.size() >= 20) {
    summary.tcp_flags = std::to_integer<std::uint8_t>(segment[13]);
    summary.mss_bytes = find_mss(segment);
  }
  return summary;
}

}  // namespace slopn::test
