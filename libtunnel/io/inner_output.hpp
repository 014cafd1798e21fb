#pragma once

#include <cstdint>
#include <vector>

#include "libtunnel/base/packet_batch.hpp"
#include "platform/tun_device.hpp"

namespace slopn::io {

/// Gathers inner packets on their way to the TUN, so that they are written in batches.
/// What the kernel does not take is dropped and counted.
class InnerOutput {
 public:
  InnerOutput();

  /// Where packets go; nullptr: nowhere, and each counts as dropped.
  void attach(platform::TunDevice* tun) noexcept { tun_ = tun; }

  void push(ByteView packet);
  /// Writes what was gathered.
  void flush();

  [[nodiscard]] std::uint64_t dropped_packets() const noexcept { return dropped_; }

 private:
  static constexpr std::size_t kBatchPackets = 64;
  static constexpr std::size_t kMaxPacketBytes = 2048;

  platform::TunDevice* tun_ = nullptr;
  PacketBatch batch_;
  std::vector<ByteView> views_;
  std::uint64_t dropped_ = 0;
};

}  // namespace slopn::io
