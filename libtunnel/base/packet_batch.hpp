#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <vector>

#include "libtunnel/base/bytes.hpp"

namespace slopn {

/// Whole IP packets that travel together from one stage of the data path to the next.
///
/// One allocation, made once and used for ever: fill it with `next_slot()` and `commit()`,
/// read it with `packets()`, start over with `clear()`. Packets lie in slots of equal size.
class PacketBatch {
 public:
  PacketBatch(std::size_t max_packets, std::size_t max_packet_bytes)
      : slot_bytes_(max_packet_bytes),
        storage_(std::make_unique_for_overwrite<std::byte[]>(max_packets * max_packet_bytes))
  {
    packets_.reserve(max_packets);
  }

  [[nodiscard]] bool full() const noexcept { return packets_.size() == packets_.capacity(); }
  [[nodiscard]] bool empty() const noexcept { return packets_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return packets_.size(); }

  /// Where the next packet is to be written. The batch must not be full.
  [[nodiscard]] MutableByteView next_slot() noexcept
  {
    assert(!full());
    return {storage_.get() + packets_.size() * slot_bytes_, slot_bytes_};
  }

  /// Makes the first `size_bytes` of `next_slot()` the batch's last packet.
  void commit(std::size_t size_bytes) noexcept
  {
    assert(size_bytes <= slot_bytes_);
    packets_.push_back(next_slot().first(size_bytes));
  }

  /// Copies `packet` in; false when the batch is full or the packet longer than a slot.
  [[nodiscard]] bool append(ByteView packet) noexcept;

  /// Valid until `clear()` or destruction.
  [[nodiscard]] std::span<const MutableByteView> packets() const noexcept { return packets_; }

  void clear() noexcept { packets_.clear(); }

 private:
  std::size_t slot_bytes_;
  std::unique_ptr<std::byte[]> storage_;  // not zeroed: unused slots take no memory
  std::vector<MutableByteView> packets_;
};

}  // namespace slopn
