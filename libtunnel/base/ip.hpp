#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/bytes.hpp"

namespace slopn {

enum class IpVersion : std::uint8_t { v4 = 4, v6 = 6 };

/// An IPv4 or IPv6 address. A value: 17 bytes, network byte order, no allocation.
class IpAddress {
 public:
  /// 0.0.0.0
  constexpr IpAddress() noexcept = default;

  [[nodiscard]] static IpAddress v4(std::array<std::uint8_t, 4> octets) noexcept;
  [[nodiscard]] static IpAddress v6(const std::array<std::uint8_t, 16>& octets) noexcept;
  /// `bytes` must hold 4 or 16 bytes in network order; nullopt otherwise.
  [[nodiscard]] static std::optional<IpAddress> from_bytes(ByteView bytes) noexcept
  {
    IpAddress address;
    if (bytes.size() == 16)
      address.version_ = IpVersion::v6;
    else if (bytes.size() != 4)
      return std::nullopt;
    std::memcpy(address.octets_.data(), bytes.data(), bytes.size());
    return address;
  }
  /// Dotted quad or RFC 4291 text, without brackets, zone or prefix.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
  [[nodiscard]] static IpAddress any(IpVersion version) noexcept;

  [[nodiscard]] IpVersion version() const noexcept { return version_; }
  [[nodiscard]] bool is_v4() const noexcept { return version_ == IpVersion::v4; }
  [[nodiscard]] bool is_v6() const noexcept { return version_ == IpVersion::v6; }
  /// 4 or 16 bytes in network order, valid as long as this object.
  [[nodiscard]] ByteView bytes() const noexcept { return view(octets_.data(), is_v4() ? 4 : 16); }
  /// 32 or 128.
  [[nodiscard]] std::uint8_t bits() const noexcept { return is_v4() ? 32 : 128; }

  [[nodiscard]] bool is_unspecified() const noexcept;
  [[nodiscard]] bool is_multicast() const noexcept;
  [[nodiscard]] bool is_loopback() const noexcept;
  [[nodiscard]] bool is_link_local() const noexcept;

  /// The numerically next address; nullopt after the last one.
  [[nodiscard]] std::optional<IpAddress> next() const noexcept;
  /// The numerically previous address; nullopt before the first one.
  [[nodiscard]] std::optional<IpAddress> previous() const noexcept;

  /// RFC 5952 for IPv6.
  [[nodiscard]] std::string to_string() const;

  /// IPv4 sorts before IPv6, then numerically.
  friend std::strong_ordering operator<=>(const IpAddress&, const IpAddress&) noexcept = default;
  friend bool operator==(const IpAddress&, const IpAddress&) noexcept = default;

 private:
  IpVersion version_ = IpVersion::v4;
  std::array<std::uint8_t, 16> octets_{};
};

/// A block of addresses in CIDR form. Host bits are always zero.
class IpPrefix {
 public:
  /// 0.0.0.0/0
  constexpr IpPrefix() noexcept = default;

  /// nullopt if `length_bits` is too long for the address or host bits are set.
  [[nodiscard]] static std::optional<IpPrefix> make(const IpAddress& address,
                                                    std::uint8_t length_bits) noexcept;
  /// The prefix of `length_bits` that contains `address`; too long a length becomes the longest.
  [[nodiscard]] static IpPrefix containing(const IpAddress& address,
                                           std::uint8_t length_bits) noexcept;
  /// The prefix that holds only `address`.
  [[nodiscard]] static IpPrefix host(const IpAddress& address) noexcept;
  /// "10.0.0.0/8", "fd00::/8"; a bare address is a host prefix. Host bits must be zero.
  [[nodiscard]] static std::optional<IpPrefix> parse(std::string_view text);
  /// 0.0.0.0/0 or ::/0
  [[nodiscard]] static IpPrefix all(IpVersion version) noexcept;

  [[nodiscard]] const IpAddress& address() const noexcept { return address_; }
  [[nodiscard]] std::uint8_t length_bits() const noexcept { return length_bits_; }
  [[nodiscard]] IpVersion version() const noexcept { return address_.version(); }
  [[nodiscard]] bool contains(const IpAddress& address) const noexcept;
  [[nodiscard]] IpAddress first() const noexcept { return address_; }
  [[nodiscard]] IpAddress last() const noexcept;
  [[nodiscard]] std::string to_string() const;

  friend std::strong_ordering operator<=>(const IpPrefix&, const IpPrefix&) noexcept = default;
  friend bool operator==(const IpPrefix&, const IpPrefix&) noexcept = default;

 private:
  IpAddress address_;
  std::uint8_t length_bits_ = 0;
};

/// An address of this host together with the prefix that is on-link there: "10.0.0.2/24".
struct IpInterfaceAddress {
  IpAddress address;
  std::uint8_t prefix_length_bits = 32;

  [[nodiscard]] static std::optional<IpInterfaceAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const IpInterfaceAddress&, const IpInterfaceAddress&) noexcept = default;
};

/// An outer UDP end: address, port and, for link-local IPv6, the interface it belongs to.
struct UdpEndpoint {
  IpAddress address;
  std::uint16_t port = 0;
  std::uint32_t scope_id = 0;  ///< Interface index; only for link-local IPv6, otherwise 0.

  /// "192.0.2.1:443" or "[2001:db8::1]:443".
  [[nodiscard]] static std::optional<UdpEndpoint> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const UdpEndpoint&, const UdpEndpoint&) noexcept = default;
  friend bool operator==(const UdpEndpoint&, const UdpEndpoint&) noexcept = default;
};

/// The fewest prefixes that together hold exactly `first` to `last`.
/// Empty if the versions differ or `last` lies before `first`.
[[nodiscard]] std::vector<IpPrefix> prefixes_for_range(const IpAddress& first,
                                                       const IpAddress& last);

}  // namespace slopn

template <>
struct std::hash<slopn::IpAddress> {
  std::size_t operator()(const slopn::IpAddress& address) const noexcept;
};

template <>
struct std::hash<slopn::UdpEndpoint> {
  std::size_t operator()(const slopn::UdpEndpoint& endpoint) const noexcept;
};
