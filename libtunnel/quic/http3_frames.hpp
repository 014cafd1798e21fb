#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "libtunnel/base/bytes.hpp"

namespace slopn::quic {

/// Frame types (RFC 9114 section 7.2 and 11.2.1).
inline constexpr std::uint64_t kDataFrame = 0x00;
inline constexpr std::uint64_t kHeadersFrame = 0x01;
/// Whether HTTP/3 knows the type, or reserves it because HTTP/2 did; others are to be ignored.
[[nodiscard]] bool is_known_frame(std::uint64_t type) noexcept;

/// Finds the frames in a stream's bytes, in whatever pieces those come. Keeps no payload.
///
///     | type, 1 to 8 bytes | length, 1 to 8 bytes | payload |     (RFC 9114 section 7.1)
class FrameReader {
 public:
  struct Piece {
    std::uint64_t type = 0;
    ByteView payload;     ///< What is there of it; empty for an empty frame.
    bool begins = false;  ///< The first piece of its frame.
  };

  /// Takes the next piece of a frame away from `bytes`; nullopt when all bytes are used up.
  [[nodiscard]] std::optional<Piece> next(ByteView& bytes) noexcept;
  /// Whether the stream may end here.
  [[nodiscard]] bool between_frames() const noexcept { return header_bytes_ == 0 && rest_ == 0; }

 private:
  [[nodiscard]] bool header_complete() const noexcept;

  std::array<std::byte, 16> header_{};
  std::uint8_t header_bytes_ = 0;
  std::uint64_t type_ = 0;
  std::uint64_t rest_ = 0;  // of the payload
};

/// Appends the header of a frame with `payload_bytes`.
void append_frame_header(ByteVector& out, std::uint64_t type, std::size_t payload_bytes);

}  // namespace slopn::quic
