#include "libtunnel/base/ip.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace slopn {
namespace {

constexpr std::size_t kV4Bytes = 4;
constexpr std::size_t kV6Bytes = 16;

std::optional<unsigned> parse_number(std::string_view text, unsigned maximum)
{
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > maximum)
    return std::nullopt;
  return value;
}

// Splits "address/length"; a missing length is the address's full one.
std::optional<IpInterfaceAddress> parse_with_length(std::string_view text)
{
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return IpInterfaceAddress{*address, address->bits()};
  const auto length = parse_number(text.substr(slash + 1), address->bits());
  if (!length) return std::nullopt;
  return IpInterfaceAddress{*address, static_cast<std::uint8_t>(*length)};
}

// The address with every bit from `from_bit` on set to `value`.
IpAddress with_host_bits(const IpAddress& address, unsigned from_bit, bool value)
{
  std::array<std::uint8_t, kV6Bytes> octets{};
  std::memcpy(octets.data(), address.bytes().data(), address.bytes().size());
  for (unsigned bit = from_bit; bit < address.bits(); ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
    auto& octet = octets[bit / 8];
    octet = static_cast<std::uint8_t>(value ? octet | mask : octet & ~mask);
  }
  return *IpAddress::from_bytes(view(octets.data(), address.bytes().size()));
}

std::size_t hash_bytes(ByteView bytes, std::size_t seed) noexcept
{
  const auto hash = std::hash<std::string_view>{}(as_text(bytes));
  return hash ^ (seed + 0x9e3779b97f4a7c15U + (hash << 6U) + (hash >> 2U));
}

}  // namespace

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> octets) noexcept
{
  IpAddress address;
  std::ranges::copy(octets, address.octets_.begin());
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& octets) noexcept
{
  IpAddress address;
  address.version_ = IpVersion::v6;
  address.octets_ = octets;
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text)
{
  const std::string terminated{text};
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  std::array<std::uint8_t, kV6Bytes> octets{};
  if (::inet_pton(AF_INET, terminated.c_str(), octets.data()) == 1)
    return from_bytes(view(octets.data(), kV4Bytes));
  if (::inet_pton(AF_INET6, terminated.c_str(), octets.data()) == 1)
    return from_bytes(view(octets.data(), kV6Bytes));
  return std::nullopt;
}

IpAddress IpAddress::any(IpVersion version) noexcept
{
  IpAddress address;
  address.version_ = version;
  return address;
}

bool IpAddress::is_unspecified() const noexcept
{
  return *this == any(version_);
}

bool IpAddress::is_multicast() const noexcept
{
  return is_v4() ? (octets_[0] & 0xf0U) == 0xe0 : octets_[0] == 0xff;
}

bool IpAddress::is_loopback() const noexcept
{
  if (is_v4()) return octets_[0] == 127;
  return std::all_of(octets_.begin(), octets_.end() - 1, [](auto o) { return o == 0; }) &&
         octets_.back() == 1;
}

bool IpAddress::is_link_local() const noexcept
{
  if (is_v4()) return octets_[0] == 169 && octets_[1] == 254;
  return octets_[0] == 0xfe && (octets_[1] & 0xc0U) == 0x80;
}

std::optional<IpAddress> IpAddress::next() const noexcept
{
  IpAddress following = *this;
  for (std::size_t i = bytes().size(); i-- > 0;) {
    if (++following.octets_[i] != 0) return following;
  }
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::previous() const noexcept
{
  IpAddress preceding = *this;
  for (std::size_t i = bytes().size(); i-- > 0;) {
    if (preceding.octets_[i]-- != 0) return preceding;
  }
  return std::nullopt;
}

std::string IpAddress::to_string() const
{
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, octets_.data(), text.data(), text.size());
  return text.data();
}

std::optional<IpPrefix> IpPrefix::make(const IpAddress& address, std::uint8_t length_bits) noexcept
{
  if (length_bits > address.bits()) return std::nullopt;
  const IpPrefix prefix = containing(address, length_bits);
  if (prefix.address_ != address) return std::nullopt;
  return prefix;
}

IpPrefix IpPrefix::containing(const IpAddress& address, std::uint8_t length_bits) noexcept
{
  IpPrefix prefix;
  prefix.length_bits_ = std::min(length_bits, address.bits());
  prefix.address_ = with_host_bits(address, prefix.length_bits_, false);
  return prefix;
}

IpPrefix IpPrefix::host(const IpAddress& address) noexcept
{
  return containing(address, address.bits());
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text)
{
  const auto parsed = parse_with_length(text);
  if (!parsed) return std::nullopt;
  return make(parsed->address, parsed->prefix_length_bits);
}

IpPrefix IpPrefix::all(IpVersion version) noexcept
{
  return containing(IpAddress::any(version), 0);
}

bool IpPrefix::contains(const IpAddress& address) const noexcept
{
  if (address.version() != version()) return false;
  const auto ours = address_.bytes();
  const auto theirs = address.bytes();
  const std::size_t whole = length_bits_ / 8U;
  if (std::memcmp(ours.data(), theirs.data(), whole) != 0) return false;
  const unsigned rest = length_bits_ % 8U;
  if (rest == 0) return true;
  const auto mask = static_cast<std::byte>(0xff00U >> rest & 0xffU);
  return (ours[whole] & mask) == (theirs[whole] & mask);
}

IpAddress IpPrefix::last() const noexcept
{
  return with_host_bits(address_, length_bits_, true);
}

std::string IpPrefix::to_string() const
{
  return address_.to_string() + "/" + std::to_string(length_bits_);
}

std::optional<IpInterfaceAddress> IpInterfaceAddress::parse(std::string_view text)
{
  return parse_with_length(text);
}

std::string IpInterfaceAddress::to_string() const
{
  return address.to_string() + "/" + std::to_string(prefix_length_bits);
}

std::optional<UdpEndpoint> UdpEndpoint::parse(std::string_view text)
{
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  const auto port = parse_number(text.substr(colon + 1), 65535);
  if (!address || !port || address->is_v6() != bracketed) return std::nullopt;
  return UdpEndpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::string UdpEndpoint::to_string() const
{
  const std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return host + ":" + std::to_string(port);
}

std::vector<IpPrefix> prefixes_for_range(const IpAddress& first, const IpAddress& last)
{
  std::vector<IpPrefix> prefixes;
  if (first.version() != last.version()) return prefixes;
  std::optional<IpAddress> start = first;
  while (start && *start <= last) {
    // The shortest prefix that begins here and does not reach past the end.
    std::uint8_t length = start->bits();
    while (length > 0) {
      const auto wider = IpPrefix::make(*start, static_cast<std::uint8_t>(length - 1));
      if (!wider || wider->last() > last) break;
      --length;
    }
    prefixes.push_back(IpPrefix::containing(*start, length));
    start = prefixes.back().last().next();
  }
  return prefixes;
}

}  // namespace slopn

std::size_t std::hash<slopn::IpAddress>::operator()(const slopn::IpAddress& address) const noexcept
{
  return slopn::hash_bytes(address.bytes(), static_cast<std::size_t>(address.version()));
}

std::size_t std::hash<slopn::UdpEndpoint>::operator()(
    const slopn::UdpEndpoint& endpoint) const noexcept
{
  return slopn::hash_bytes(endpoint.address.bytes(), endpoint.port);
}
