#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "libtunnel/base/bytes.hpp"

/// Codecs: bytes in, values out and back. No state outlives a call but the CapsuleParser's.
namespace slopn::wire {

/// The largest value a QUIC variable-length integer holds; RFC 9000 section 16.
inline constexpr std::uint64_t kMaxVarint = (std::uint64_t{1} << 62U) - 1;
inline constexpr std::size_t kMaxVarintBytes = 8;

/// How many bytes the shortest form of `value` takes: 1, 2, 4 or 8. `value` <= kMaxVarint.
[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t value) noexcept
{
  if (value < (1U << 6U)) return 1;
  if (value < (1U << 14U)) return 2;
  if (value < (1U << 30U)) return 4;
  return 8;
}

/// Appends the shortest form of `value`, which must be <= kMaxVarint.
void append_varint(ByteVector& out, std::uint64_t value);

/// Writes the shortest form of `value` to the start of `out` and returns its length in bytes,
/// or 0 (and writes nothing) when `out` is too short. `value` must be <= kMaxVarint.
[[nodiscard]] std::size_t put_varint(MutableByteView out, std::uint64_t value) noexcept;

/// Takes one integer off the front of `in`. Longer forms than necessary are accepted.
/// nullopt, with `in` unchanged, when it ends before the integer does.
[[nodiscard]] std::optional<std::uint64_t> read_varint(ByteView& in) noexcept;

}  // namespace slopn::wire
