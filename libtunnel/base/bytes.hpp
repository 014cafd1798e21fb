#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slopn {

/// Bytes somebody else owns; valid as long as that somebody says.
using ByteView = std::span<const std::byte>;
using MutableByteView = std::span<std::byte>;
using ByteVector = std::vector<std::byte>;

[[nodiscard]] inline ByteView as_bytes(std::string_view text) noexcept
{
  return std::as_bytes(std::span{text.data(), text.size()});
}

[[nodiscard]] inline std::string_view as_text(ByteView bytes) noexcept
{
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// For C interfaces that want `uint8_t`.
[[nodiscard]] inline const std::uint8_t* u8(const std::byte* bytes) noexcept
{
  return reinterpret_cast<const std::uint8_t*>(bytes);
}
[[nodiscard]] inline std::uint8_t* u8(std::byte* bytes) noexcept
{
  return reinterpret_cast<std::uint8_t*>(bytes);
}
[[nodiscard]] inline ByteView view(const std::uint8_t* bytes, std::size_t size) noexcept
{
  return {reinterpret_cast<const std::byte*>(bytes), size};
}

[[nodiscard]] std::string to_hex(ByteView bytes);

/// Two hex digits a byte, either case; nullopt for anything else.
[[nodiscard]] std::optional<ByteVector> from_hex(std::string_view text);

/// base64url without padding (RFC 4648 section 5).
[[nodiscard]] std::string to_base64url(ByteView bytes);

/// Accepts base64url and plain base64, padded or not; nullopt for anything else.
[[nodiscard]] std::optional<ByteVector> from_base64(std::string_view text);

/// Compares without telling by its duration where the first difference is.
[[nodiscard]] bool equal_constant_time(ByteView a, ByteView b) noexcept;

}  // namespace slopn
