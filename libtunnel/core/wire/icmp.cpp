#include "libtunnel/core/wire/icmp.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "libtunnel/core/wire/ip_packet.hpp"

namespace slopn::wire {
namespace {

constexpr std::size_t kIcmpHeaderBytes = 8;
constexpr std::size_t kMaxV4ErrorBytes = 576;   // RFC 1812 section 4.3.2.3
constexpr std::size_t kMaxV6ErrorBytes = 1280;  // RFC 4443 section 3
constexpr std::size_t kMinV6MtuBytes = 1280;
constexpr std::uint8_t kTtl = 64;
constexpr std::uint8_t kV4NetworkControl = 0xc0;  // RFC 1812 section 4.3.2.5

constexpr std::uint8_t kV4Unreachable = 3;
constexpr std::uint8_t kV4FragmentationNeeded = 4;
constexpr std::uint8_t kV4TimeExceeded = 11;
constexpr std::uint8_t kV6Unreachable = 1;
constexpr std::uint8_t kV6PacketTooBig = 2;
constexpr std::uint8_t kV6TimeExceeded = 3;

// One ICMP error: | type 1 | code 1 | checksum 2 | parameter 4 | the offending packet's start |
struct Message {
  std::uint8_t type;
  std::uint8_t code;
  std::uint32_t parameter = 0;
};

struct Messages {
  Message v4;
  Message v6;
};

bool is_broadcast(const IpAddress& address) noexcept
{
  return address == IpAddress::v4({255, 255, 255, 255});
}

bool is_group(const IpAddress& address) noexcept
{
  return address.is_multicast() || is_broadcast(address);
}

// Types that must never cause another error: the errors themselves and redirects.
bool is_icmp_error(const IpHeader& header, ByteView packet) noexcept
{
  const bool v4 = header.version == IpVersion::v4;
  if (header.protocol != (v4 ? kProtocolIcmpV4 : kProtocolIcmpV6)) return false;
  if (header.payload_offset >= header.packet_bytes) return true;  // unreadable: stay silent
  const auto type = std::to_integer<unsigned>(packet[header.payload_offset]);
  if (v4) return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
  return type < 128 || type == 137;
}

// The offending packet's header, unless it must not be answered.
std::optional<IpHeader> answerable(ByteView offending, const IpAddress& from) noexcept
{
  const auto header = parse_ip_header(offending);
  if (!header || header->version != from.version() || header->is_later_fragment)
    return std::nullopt;
  const IpAddress& source = header->source;
  if (source.is_unspecified() || source.is_loopback() || is_group(source) ||
      is_group(header->destination))
    return std::nullopt;
  if (is_icmp_error(*header, offending)) return std::nullopt;
  return header;
}

void put_octet(MutableByteView out, std::size_t at, std::size_t value) noexcept
{
  out[at] = static_cast<std::byte>(value & 0xffU);
}

void put_word(MutableByteView out, std::size_t at, std::size_t value) noexcept
{
  put_octet(out, at, value >> 8U);
  put_octet(out, at + 1, value);
}

void put_icmp(MutableByteView out, const Message& message, ByteView quote,
              std::uint64_t pseudo_sum) noexcept
{
  put_octet(out, 0, message.type);
  put_octet(out, 1, message.code);
  put_word(out, 2, 0);
  put_word(out, 4, message.parameter >> 16U);
  put_word(out, 6, message.parameter & 0xffffU);
  std::ranges::copy(quote, out.subspan(kIcmpHeaderBytes).begin());
  put_word(out, 2, internet_checksum(out, pseudo_sum));
}

void put_v4_header(MutableByteView out, const IpAddress& from, const IpAddress& to) noexcept
{
  std::ranges::fill(out.first(kIpV4HeaderBytes), std::byte{0});
  put_octet(out, 0, 0x45);  // version 4, five words of header
  put_octet(out, 1, kV4NetworkControl);
  put_word(out, 2, out.size());
  put_octet(out, 8, kTtl);
  put_octet(out, 9, kProtocolIcmpV4);
  std::ranges::copy(from.bytes(), out.subspan(12).begin());
  std::ranges::copy(to.bytes(), out.subspan(16).begin());
  put_word(out, 10, internet_checksum(out.first(kIpV4HeaderBytes)));
}

void put_v6_header(MutableByteView out, const IpAddress& from, const IpAddress& to) noexcept
{
  std::ranges::fill(out.first(kIpV6HeaderBytes), std::byte{0});
  put_octet(out, 0, 0x60);  // version 6
  put_word(out, 4, out.size() - kIpV6HeaderBytes);
  put_octet(out, 6, kProtocolIcmpV6);
  put_octet(out, 7, kTtl);
  std::ranges::copy(from.bytes(), out.subspan(8).begin());
  std::ranges::copy(to.bytes(), out.subspan(24).begin());
}

std::size_t build(MutableByteView out, ByteView offending, const IpAddress& from,
                  const Messages& messages) noexcept
{
  const auto header = answerable(offending, from);
  if (!header) return 0;
  const bool v4 = header->version == IpVersion::v4;
  const std::size_t ip_bytes = v4 ? kIpV4HeaderBytes : kIpV6HeaderBytes;
  const std::size_t most = v4 ? kMaxV4ErrorBytes : kMaxV6ErrorBytes;
  const std::size_t quote_bytes =
      std::min(header->packet_bytes, most - ip_bytes - kIcmpHeaderBytes);
  const std::size_t total_bytes = ip_bytes + kIcmpHeaderBytes + quote_bytes;
  if (out.size() < total_bytes) return 0;
  out = out.first(total_bytes);

  const MutableByteView icmp = out.subspan(ip_bytes);
  const ByteView quote = offending.first(quote_bytes);
  if (v4) {
    put_v4_header(out, from, header->source);
    put_icmp(icmp, messages.v4, quote, 0);
  } else {
    put_v6_header(out, from, header->source);
    put_icmp(icmp, messages.v6, quote,
             pseudo_header_sum(from, header->source, kProtocolIcmpV6, icmp.size()));
  }
  return total_bytes;
}

}  // namespace

std::size_t build_unreachable(MutableByteView out, ByteView offending, const IpAddress& from,
                              Unreachable why) noexcept
{
  const auto with_codes = [&](std::uint8_t v4_code, std::uint8_t v6_code) {
    return build(out, offending, from, {{kV4Unreachable, v4_code}, {kV6Unreachable, v6_code}});
  };
  switch (why) {
    case Unreachable::no_route:
      return with_codes(0, 0);
    case Unreachable::prohibited:
      return with_codes(13, 1);
    case Unreachable::address:
      return with_codes(1, 3);
    case Unreachable::source_policy:
      return with_codes(13, 5);
  }
  return 0;
}

std::size_t build_time_exceeded(MutableByteView out, ByteView offending,
                                const IpAddress& from) noexcept
{
  return build(out, offending, from, {{kV4TimeExceeded, 0}, {kV6TimeExceeded, 0}});
}

std::size_t build_too_big(MutableByteView out, ByteView offending, const IpAddress& from,
                          std::size_t mtu_bytes) noexcept
{
  const auto v4_mtu = static_cast<std::uint32_t>(std::min<std::size_t>(mtu_bytes, 0xffff));
  const auto v6_mtu =
      static_cast<std::uint32_t>(std::clamp<std::size_t>(mtu_bytes, kMinV6MtuBytes, 0xffffffff));
  return build(out, offending, from,
               {{kV4Unreachable, kV4FragmentationNeeded, v4_mtu}, {kV6PacketTooBig, 0, v6_mtu}});
}

IcmpRateLimiter::IcmpRateLimiter(std::uint32_t per_second, std::uint32_t burst) noexcept
    : cost_(Clock::duration{std::chrono::seconds{1}} / per_second),
      capacity_(cost_ * burst),
      saved_(capacity_)
{
}

bool IcmpRateLimiter::allow(Clock::time_point now) noexcept
{
  if (now > last_) {
    saved_ = std::min(capacity_, saved_ + std::min(capacity_, now - last_));
    last_ = now;
  }
  if (saved_ < cost_) return false;
  saved_ -= cost_;
  return true;
}

}  // namespace slopn::wire
