#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/ip.hpp"

namespace slopn::quic {

/// Both ends of an outer path. `local` may be unspecified where only the socket knows it.
struct UdpPath {
  UdpEndpoint local;
  UdpEndpoint remote;
  friend bool operator==(const UdpPath&, const UdpPath&) noexcept = default;
};

/// The two ECN bits of the IP header (RFC 3168): 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE.
using EcnBits = std::uint8_t;

/// UDP payloads on their way to the socket, arranged as the kernel's UDP_SEGMENT wants them.
///
/// A *run* is what one system call can carry: payloads of one size to one destination with one
/// ECN mark, of which only the last may be shorter. Writers put a payload where `tail()` points
/// and `append()` it; the socket sends `runs()` and the owner calls `clear()`.
class PacketTrain {
 public:
  static constexpr std::size_t kMaxSegments = 64;      ///< UDP_MAX_SEGMENTS of older kernels.
  static constexpr std::size_t kMaxRunBytes = 65'000;  ///< Below the longest UDP payload.

  struct Run {
    std::size_t offset_bytes = 0;
    std::size_t size_bytes = 0;
    std::size_t segment_bytes = 0;
    std::size_t segments = 0;
    UdpPath path;
    EcnBits ecn = 0;
  };

  /// Room for `max_packets` payloads of at most `max_payload_bytes`.
  PacketTrain(std::size_t max_packets, std::size_t max_payload_bytes);

  /// Whether a payload of the longest size still fits.
  [[nodiscard]] bool has_room() const noexcept
  {
    return used_bytes_ + max_payload_bytes_ <= capacity_bytes_;
  }
  /// Where the next payload goes: `max_payload_bytes` long. Needs `has_room()`.
  [[nodiscard]] MutableByteView tail() noexcept
  {
    return {storage_.get() + used_bytes_, max_payload_bytes_};
  }
  /// Adds the first `size_bytes` of `tail()`.
  void append(std::size_t size_bytes, const UdpPath& path, EcnBits ecn);

  [[nodiscard]] bool empty() const noexcept { return runs_.empty(); }
  [[nodiscard]] std::span<const Run> runs() const noexcept { return runs_; }
  [[nodiscard]] ByteView bytes(const Run& run) const noexcept
  {
    return {storage_.get() + run.offset_bytes, run.size_bytes};
  }
  void clear() noexcept
  {
    runs_.clear();
    used_bytes_ = 0;
  }

 private:
  std::size_t max_payload_bytes_;
  std::size_t used_bytes_ = 0;
  std::size_t capacity_bytes_;
  std::unique_ptr<std::byte[]> storage_;  // not zeroed: what is never used takes no memory
  std::vector<Run> runs_;
};

}  // namespace slopn::quic
