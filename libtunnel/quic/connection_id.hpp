#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>

#include "libtunnel/base/bytes.hpp"

namespace slopn::quic {

/// A QUIC connection ID, 0 to 20 bytes (RFC 9000 section 17.2).
class ConnectionId {
 public:
  static constexpr std::size_t kMaxBytes = 20;

  ConnectionId() = default;
  /// Takes at most `kMaxBytes`.
  explicit ConnectionId(ByteView bytes) noexcept;

  [[nodiscard]] ByteView bytes() const noexcept { return view(bytes_.data(), size_); }
  friend bool operator==(const ConnectionId&, const ConnectionId&) noexcept = default;

 private:
  std::uint8_t size_ = 0;
  std::array<std::uint8_t, kMaxBytes> bytes_{};
};

/// Makes the IDs that peers put on packets to us: one byte that names the worker, so that
/// a packet can be steered without a look-up, and seven random ones.
class ConnectionIdFactory {
 public:
  static constexpr std::size_t kBytes = 8;

  explicit ConnectionIdFactory(std::uint8_t worker) noexcept : worker_(worker) {}
  [[nodiscard]] ConnectionId make() const;

 private:
  std::uint8_t worker_;
};

}  // namespace slopn::quic

template <>
struct std::hash<slopn::quic::ConnectionId> {
  std::size_t operator()(const slopn::quic::ConnectionId& id) const noexcept
  {
    return std::hash<std::string_view>{}(slopn::as_text(id.bytes()));
  }
};
