#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "libtunnel/base/packet_batch.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::platform {

/// How packets travel through the descriptor of a TUN interface, without waiting. Everything that
/// depends on the framing is here.
///
/// The descriptor is the caller's, non-blocking, opened with IFF_NO_PI.
class TunQueue {
 public:
  /// What stands before each packet on the descriptor.
  enum class Framing { none, vnet_header };  // IFF_VNET_HDR

  TunQueue(int fd, std::string name, Framing framing)
      : fd_(fd), name_(std::move(name)), framing_(framing)
  {
  }

  /// See `TunDevice::read_batch`.
  [[nodiscard]] Result<std::size_t> read_batch(PacketBatch& batch) const;
  /// See `TunDevice::write_batch`.
  [[nodiscard]] Result<std::size_t> write_batch(std::span<const HostPacket> packets) const;

 private:
  [[nodiscard]] Result<> check_alive() const;
  [[nodiscard]] Error io_error(int error_number, const char* operation) const;

  int fd_;
  std::string name_;
  Framing framing_;
};

}  // namespace slopn::platform
