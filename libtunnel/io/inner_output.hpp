#pragma once

#include <cstdint>
#include <optional>

#include "libtunnel/core/offload/coalescer.hpp"
#include "platform/tun_device.hpp"

namespace slopn::io {

/// Gathers inner packets on their way to the TUN, joined to super-packets where the device takes
/// them, and writes them in batches. What the kernel does not take is dropped and counted.
class InnerOutput {
 public:
  /// Where packets go; nullptr: nowhere, and each counts as dropped.
  void attach(platform::TunDevice* tun);

  void push(ByteView packet);
  /// Writes what was gathered.
  void flush();

  [[nodiscard]] std::uint64_t dropped_packets() const noexcept { return dropped_; }

 private:
  platform::TunDevice* tun_ = nullptr;
  std::optional<offload::Coalescer> coalescer_;  // while there is a device
  std::uint64_t dropped_ = 0;
};

}  // namespace slopn::io
