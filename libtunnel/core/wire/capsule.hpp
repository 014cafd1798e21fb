#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/result.hpp"
#include "libtunnel/core/wire/varint.hpp"

namespace slopn::wire {

/// Capsule types that slopn understands; RFC 9297 section 3.5 and RFC 9484 section 4.7.
enum class CapsuleType : std::uint64_t {
  datagram = 0x00,
  address_assign = 0x01,
  address_request = 0x02,
  route_advertisement = 0x03,
};

/// Receives whole capsules from a `CapsuleParser`.
struct CapsuleSink {
  /// `value` is valid during the call only. An error ends the parsing and is what `feed()` returns.
  [[nodiscard]] virtual Result<> on_capsule(std::uint64_t type, ByteView value) = 0;

 protected:
  ~CapsuleSink() = default;
};

/// Cuts the byte stream of a CONNECT request into capsules (RFC 9297 section 3.2):
///
///     | type (varint) | length (varint) | value, length bytes |
///
/// Values of types that nobody asked for are skipped as they arrive and never stored, however
/// long. A value that lies whole in the fed bytes is passed on without a copy.
class CapsuleParser {
 public:
  static constexpr std::size_t kMaxValueBytes = std::size_t{16} * 1024;

  /// Only `wanted` types reach the sink. A wanted value longer than `max_value_bytes` is a
  /// protocol violation, except a DATAGRAM's, which is dropped: that is an unreliable packet.
  explicit CapsuleParser(std::vector<CapsuleType> wanted,
                         std::size_t max_value_bytes = kMaxValueBytes);

  /// Takes the next bytes of the stream; any cut is fine. After an error the stream cannot be
  /// continued, and every later call fails too.
  [[nodiscard]] Result<> feed(ByteView bytes, CapsuleSink& sink);

  /// The stream has ended: Errc::protocol_violation when that cuts a capsule off, which RFC 9297
  /// section 3.3 calls malformed.
  [[nodiscard]] Result<> finish() const;

  /// Bytes of a value kept between calls; never more than `max_value_bytes`.
  [[nodiscard]] std::size_t buffered_bytes() const noexcept;

 private:
  // Without default member initialisers: GCC wants those only once the class is complete, too late
  // for the variant.
  struct InHeader {
    std::array<std::byte, 2 * kMaxVarintBytes> bytes;
    std::size_t size;
  };
  struct InValue {
    std::uint64_t type;
    std::size_t length;
    ByteVector bytes;
  };
  struct Skipping {
    std::uint64_t left;
  };
  struct Broken {};

  // Each takes what it can off the front of `bytes`, which is not empty.
  [[nodiscard]] Result<> consume(InHeader& state, ByteView& bytes, CapsuleSink& sink);
  [[nodiscard]] Result<> consume(InValue& state, ByteView& bytes, CapsuleSink& sink);
  [[nodiscard]] Result<> consume(Skipping& state, ByteView& bytes, CapsuleSink& sink);
  [[nodiscard]] Result<> consume(Broken& state, ByteView& bytes, CapsuleSink& sink);
  [[nodiscard]] Result<> begin_value(std::uint64_t type, std::uint64_t length, ByteView& bytes,
                                     CapsuleSink& sink);
  [[nodiscard]] bool wants(std::uint64_t type) const noexcept;

  std::vector<CapsuleType> wanted_;
  std::size_t max_value_bytes_;
  std::variant<InHeader, InValue, Skipping, Broken> state_;
};

/// Appends one capsule. `value` must be shorter than 2^62 bytes.
void append_capsule(ByteVector& out, CapsuleType type, ByteView value);

}  // namespace slopn::wire
