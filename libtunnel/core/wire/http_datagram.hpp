#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/core/wire/varint.hpp"

namespace slopn::wire {

/// The context that carries whole IP packets; RFC 9484 section 6.
inline constexpr std::uint64_t kIpPacketContext = 0;

/// Quarter stream ids are at most 2^60-1, because stream ids are below 2^62; RFC 9297 s. 2.1.
inline constexpr std::uint64_t kMaxQuarterStreamId = (std::uint64_t{1} << 60U) - 1;

/// What a QUIC DATAGRAM frame carries in HTTP/3 (RFC 9297 section 2.1, RFC 9484 section 6):
///
///     | quarter stream id (varint) | context id (varint) | payload |
struct HttpDatagram {
  std::uint64_t stream_id = 0;              ///< Already multiplied by four.
  std::optional<std::uint64_t> context_id;  ///< Empty: the datagram ends too early; drop it.
  ByteView payload;                         ///< Part of the parsed bytes.
};

/// nullopt: the stream id is unreadable or too large. RFC 9297 makes that a connection error,
/// H3_DATAGRAM_ERROR. Everything else that can be wrong only costs the datagram.
[[nodiscard]] std::optional<HttpDatagram> parse_http_datagram(ByteView datagram) noexcept;

/// The bytes that go in front of the payload, built once per stream.
class HttpDatagramPrefix {
 public:
  /// `stream_id` is a client's bidirectional stream: a multiple of four below 2^62.
  explicit HttpDatagramPrefix(std::uint64_t stream_id,
                              std::uint64_t context_id = kIpPacketContext) noexcept;

  /// Valid as long as this object.
  [[nodiscard]] ByteView view() const noexcept { return ByteView{bytes_}.first(size_); }

 private:
  std::array<std::byte, 2 * kMaxVarintBytes> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace slopn::wire
