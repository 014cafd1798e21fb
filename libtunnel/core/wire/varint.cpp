#include "libtunnel/core/wire/varint.hpp"

#include <array>
#include <cassert>

namespace slopn::wire {
namespace {

// The two upper bits of the first byte say how long the integer is: 1 << them.
constexpr unsigned kLengthShift = 6;
constexpr std::uint64_t kFirstByteMask = 0x3f;

std::uint64_t length_bits(std::size_t size_bytes) noexcept
{
  switch (size_bytes) {
    case 1:
      return 0;
    case 2:
      return 1;
    case 4:
      return 2;
    default:
      return 3;
  }
}

}  // namespace

std::size_t put_varint(MutableByteView out, std::uint64_t value) noexcept
{
  assert(value <= kMaxVarint);
  const std::size_t size = varint_size(value);
  if (out.size() < size) return 0;
  const std::uint64_t marked = value | length_bits(size) << (size * 8 - 2);
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<std::byte>(marked >> (8 * (size - 1 - i)) & 0xffU);
  return size;
}

void append_varint(ByteVector& out, std::uint64_t value)
{
  std::array<std::byte, kMaxVarintBytes> bytes{};
  const std::size_t size = put_varint(bytes, value);
  out.insert(out.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
}

std::optional<std::uint64_t> read_varint(ByteView& in) noexcept
{
  if (in.empty()) return std::nullopt;
  const auto first = std::to_integer<std::uint64_t>(in[0]);
  const std::size_t size = std::size_t{1} << (first >> kLengthShift);
  if (in.size() < size) return std::nullopt;
  std::uint64_t value = first & kFirstByteMask;
  for (std::size_t i = 1; i < size; ++i)
    value = value << 8U | std::to_integer<std::uint64_t>(in[i]);
  in = in.subspan(size);
  return value;
}

}  // namespace slopn::wire
