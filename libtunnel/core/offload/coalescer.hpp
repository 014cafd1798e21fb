#pragma once

#include <cstddef>
#include <span>

#include "libtunnel/base/host_packet.hpp"

namespace slopn::offload {

/// Joins packets that came out of the tunnel into super-packets (TCP and UDP GRO in software), so
/// that the host's kernel handles many at once. The rules are those of the kernel's own GRO: only
/// whole packets of one flow that follow each other, with the same headers but for sequence number,
/// IPv4 identification and checksum; PSH, a short piece or any other flag ends a super-packet.
/// A packet is joined only when its checksums are right: a super-packet gets new ones.
///
/// What cannot be joined comes out unchanged. Packets of one flow keep their order.
class Coalescer {
 public:
  struct Options {
    bool tcp = true;  ///< The device takes TCP super-packets.
    bool udp = true;  ///< And UDP ones.
  };

  explicit Coalescer(const Options& options);

  /// Takes a copy of one whole, checked IP packet. False, with nothing changed, when there is no
  /// room: deliver `packets()`, `clear()` and push it again.
  [[nodiscard]] bool push(ByteView packet);

  [[nodiscard]] bool empty() const noexcept;
  /// What the device is to be given, in an order in which no flow's packets change places. Finishes
  /// the headers of super-packets: nothing can be joined until `clear()`.
  [[nodiscard]] std::span<const HostPacket> finish();
  void clear() noexcept;
};

}  // namespace slopn::offload
