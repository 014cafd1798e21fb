#pragma once

#include <deque>

#include "libtunnel/base/bytes.hpp"

namespace slopn::session {

/// Inner packets that wait for the outer path: first in, first out, limited in bytes. What does
/// not fit is refused, and the caller counts the drop. Takes no memory while it is empty.
class PacketQueue {
 public:
  explicit PacketQueue(std::size_t max_bytes) noexcept : max_bytes_(max_bytes) {}

  [[nodiscard]] bool push(ByteView packet);
  [[nodiscard]] bool empty() const noexcept { return packets_.empty(); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return size_bytes_; }
  /// Valid until `pop()`. Needs a packet.
  [[nodiscard]] ByteView front() const noexcept { return packets_.front(); }
  void pop();

 private:
  std::size_t max_bytes_;
  std::size_t size_bytes_ = 0;
  std::deque<ByteVector> packets_;
};

}  // namespace slopn::session
