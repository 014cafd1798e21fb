#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// Header fields that segmenter and coalescer share. Private to this folder.
namespace slopn::offload {

// Offsets in the IPv4 header, RFC 791 section 3.1.
inline constexpr std::size_t kV4Tos = 1;
inline constexpr std::size_t kV4TotalLength = 2;
inline constexpr std::size_t kV4Id = 4;
inline constexpr std::size_t kV4Fragment = 6;
inline constexpr std::size_t kV4Protocol = 9;
inline constexpr std::size_t kV4Checksum = 10;
inline constexpr std::size_t kV4Addresses = 12;
inline constexpr std::uint16_t kV4DontFragment = 0x4000;
inline constexpr std::uint16_t kV4IsFragment = 0x3fff;  ///< More fragments, or an offset.

// Offsets in the IPv6 header, RFC 8200 section 3.
inline constexpr std::size_t kV6PayloadLength = 4;
inline constexpr std::size_t kV6NextHeader = 6;
inline constexpr std::size_t kV6Addresses = 8;

// Offsets in the TCP header, RFC 9293 section 3.1.
inline constexpr std::size_t kTcpSequence = 4;
inline constexpr std::size_t kTcpAcknowledgment = 8;
inline constexpr std::size_t kTcpFlags = 12;  ///< A 16-bit word with the header's length in front.
inline constexpr std::size_t kTcpWindow = 14;
inline constexpr std::size_t kTcpChecksum = 16;
inline constexpr std::size_t kTcpUrgentPointer = 18;
inline constexpr std::size_t kTcpHeaderBytes = 20;
inline constexpr std::uint16_t kTcpFin = 0x01;
inline constexpr std::uint16_t kTcpSyn = 0x02;
inline constexpr std::uint16_t kTcpRst = 0x04;
inline constexpr std::uint16_t kTcpPsh = 0x08;
inline constexpr std::uint16_t kTcpAck = 0x10;
inline constexpr std::uint16_t kTcpEce = 0x40;
inline constexpr std::uint16_t kTcpCwr = 0x80;
inline constexpr std::uint16_t kTcpFlagMask = 0x0fff;  ///< Reserved bits included.
/// No kernel asks for less: a minimal MSS of 48, less 40 of options.
inline constexpr std::size_t kTcpMinSegmentBytes = 8;

// Offsets in the UDP header, RFC 768.
inline constexpr std::size_t kUdpLength = 4;
inline constexpr std::size_t kUdpChecksum = 6;
inline constexpr std::size_t kUdpHeaderBytes = 8;

/// As it is in memory, for comparing.
template <class Word>
[[nodiscard]] inline Word load_raw(const std::byte* at) noexcept
{
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

[[nodiscard]] inline std::uint16_t load16(const std::byte* at) noexcept
{
  const auto word = load_raw<std::uint16_t>(at);
  return std::endian::native == std::endian::big ? word : __builtin_bswap16(word);
}

[[nodiscard]] inline std::uint32_t load32(const std::byte* at) noexcept
{
  const auto word = load_raw<std::uint32_t>(at);
  return std::endian::native == std::endian::big ? word : __builtin_bswap32(word);
}

/// The lower 16 bits of `value`.
inline void store16(std::byte* at, std::uint64_t value) noexcept
{
  auto word = static_cast<std::uint16_t>(value);
  if constexpr (std::endian::native != std::endian::big) word = __builtin_bswap16(word);
  std::memcpy(at, &word, sizeof word);
}

inline void store32(std::byte* at, std::uint32_t value) noexcept
{
  if constexpr (std::endian::native != std::endian::big) value = __builtin_bswap32(value);
  std::memcpy(at, &value, sizeof value);
}

[[nodiscard]] inline std::uint8_t octet(const std::byte* at) noexcept
{
  return std::to_integer<std::uint8_t>(*at);
}

}  // namespace slopn::offload
