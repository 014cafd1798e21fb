#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "libtunnel/base/host_packet.hpp"

namespace slopn {

/// Whole IP packets that travel together from one stage of the data path to the next.
///
/// One allocation, made once and used for ever: fill it with `next_slot()` and `commit()`,
/// read it with `packets()`, start over with `clear()`. Packets lie one behind the other, so that
/// small ones share memory although each slot could have taken a super-packet.
class PacketBatch {
 public:
  /// The whole of a packet begins here, which wide instructions like.
  static constexpr std::size_t kAlignmentBytes = 64;

  /// Room for `max_packets`, of which the longest has `max_packet_bytes`. `storage_bytes` may be
  /// less than all of them at their longest: then a batch of long ones is full earlier.
  PacketBatch(std::size_t max_packets, std::size_t max_packet_bytes, std::size_t storage_bytes)
      : max_packet_bytes_(max_packet_bytes),
        storage_bytes_(storage_bytes),
        storage_(std::make_unique_for_overwrite<std::byte[]>(storage_bytes))
  {
    assert(storage_bytes >= max_packet_bytes);
    packets_.reserve(max_packets);
  }
  PacketBatch(std::size_t max_packets, std::size_t max_packet_bytes)
      : PacketBatch(max_packets, max_packet_bytes, max_packets * aligned(max_packet_bytes))
  {
  }

  [[nodiscard]] bool full() const noexcept
  {
    return packets_.size() == packets_.capacity() ||
           storage_bytes_ - used_bytes_ < max_packet_bytes_;
  }
  [[nodiscard]] bool empty() const noexcept { return packets_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return packets_.size(); }

  /// Where the next packet is to be written. The batch must not be full.
  [[nodiscard]] MutableByteView next_slot() noexcept
  {
    assert(!full());
    return {storage_.get() + used_bytes_, max_packet_bytes_};
  }

  /// Makes the first `size_bytes` of `next_slot()` the batch's last packet.
  void commit(std::size_t size_bytes, const Offload& offload = {}) noexcept
  {
    assert(size_bytes <= max_packet_bytes_);
    packets_.push_back({next_slot().first(size_bytes), offload});
    used_bytes_ = std::min(used_bytes_ + aligned(size_bytes), storage_bytes_);
  }

  /// Copies `packet` in; false when the batch is full or the packet longer than a slot.
  [[nodiscard]] bool append(ByteView packet) noexcept;

  /// Valid until `clear()` or destruction.
  [[nodiscard]] std::span<const HostPacket> packets() const noexcept { return packets_; }

  void clear() noexcept
  {
    packets_.clear();
    used_bytes_ = 0;
  }

 private:
  [[nodiscard]] static constexpr std::size_t aligned(std::size_t size_bytes) noexcept
  {
    return (size_bytes + kAlignmentBytes - 1) / kAlignmentBytes * kAlignmentBytes;
  }

  std::size_t max_packet_bytes_;
  std::size_t storage_bytes_;
  std::size_t used_bytes_ = 0;
  std::unique_ptr<std::byte[]> storage_;  // not zeroed: what is never used takes no memory
  std::vector<HostPacket> packets_;
};

}  // namespace slopn
