#include "libtunnel/quic/http3_frames.hpp"

#include <algorithm>

namespace slopn::quic {
namespace {

// Variable-length integers, RFC 9000 section 16: the first two bits say how long it is.
std::size_t integer_bytes(std::byte first) noexcept
{
  return std::size_t{1} << (std::to_integer<unsigned>(first) >> 6);
}

std::uint64_t read_integer(ByteView bytes) noexcept
{
  std::uint64_t value = std::to_integer<std::uint64_t>(bytes.front()) & 0x3f;
  for (const std::byte next : bytes.subspan(1))
    value = value << 8 | std::to_integer<std::uint64_t>(next);
  return value;
}

void append_integer(ByteVector& out, std::uint64_t value)
{
  unsigned log_bytes = 0;
  while (log_bytes < 3 && value >> ((8U << log_bytes) - 2) != 0) ++log_bytes;
  const unsigned bytes = 1U << log_bytes;
  for (unsigned i = 0; i < bytes; ++i) {
    const auto byte = static_cast<std::uint8_t>(value >> (8 * (bytes - 1 - i)));
    out.push_back(std::byte{static_cast<std::uint8_t>(i == 0 ? byte | log_bytes << 6 : byte)});
  }
}

}  // namespace

bool is_known_frame(std::uint64_t type) noexcept
{
  return type <= 0x09 || type == 0x0d;
}

bool FrameReader::header_complete() const noexcept
{
  if (header_bytes_ == 0) return false;
  const std::size_t type_bytes = integer_bytes(header_[0]);
  return header_bytes_ > type_bytes &&
         header_bytes_ == type_bytes + integer_bytes(header_[type_bytes]);
}

std::optional<FrameReader::Piece> FrameReader::next(ByteView& bytes) noexcept
{
  const bool begins = rest_ == 0;
  if (begins) {
    while (!header_complete()) {
      if (bytes.empty()) return std::nullopt;
      header_[header_bytes_++] = bytes.front();
      bytes = bytes.subspan(1);
    }
    const ByteView header = ByteView{header_}.first(header_bytes_);
    const std::size_t type_bytes = integer_bytes(header[0]);
    type_ = read_integer(header.first(type_bytes));
    rest_ = read_integer(header.subspan(type_bytes));
    header_bytes_ = 0;
  } else if (bytes.empty()) {
    return std::nullopt;
  }
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(rest_, bytes.size()));
  const Piece piece{type_, bytes.first(size), begins};
  bytes = bytes.subspan(size);
  rest_ -= size;
  return piece;
}

void append_frame_header(ByteVector& out, std::uint64_t type, std::size_t payload_bytes)
{
  append_integer(out, type);
  append_integer(out, payload_bytes);
}

}  // namespace slopn::quic
