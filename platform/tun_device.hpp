#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "libtunnel/base/packet_batch.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::platform {

/// Which super-packets a TUN takes and hands over; without any, all packets are as long as the MTU
/// allows and have their checksums.
struct TunOffloads {
  bool tcp = false;
  bool udp = false;
  friend bool operator==(const TunOffloads&, const TunOffloads&) noexcept = default;
};

/// A layer-3 TUN interface: whole IP packets in, whole IP packets out, no link header.
///
/// Destroying it removes the interface. All calls belong on the executor given to `open_tun`,
/// except `name()` and `index()`, which never change.
class TunDevice {
 public:
  virtual ~TunDevice() = default;

  /// The name the kernel chose, for example "slopn0".
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;

  /// The kernel's interface index.
  [[nodiscard]] virtual std::uint32_t index() const noexcept = 0;

  /// What this kernel offers of what `TunOptions` asked for.
  [[nodiscard]] virtual TunOffloads offloads() const noexcept = 0;

  /// Waits until the host has sent a packet. Cancelling completes with `operation_aborted`.
  /// An interface that was deleted wakes it at once; that is an error (EBADFD) here or below.
  [[nodiscard]] virtual boost::asio::awaitable<Result<>> wait_readable() = 0;

  /// Appends what waits, without blocking, until the batch is full or nothing is left.
  /// Returns the number of packets appended, 0 when none waits. A packet longer than a slot is
  /// cut off by the kernel; its length field then tells. Slots of `kMaxHostPacketBytes` take all.
  [[nodiscard]] virtual Result<std::size_t> read_batch(PacketBatch& batch) = 0;

  /// Gives packets to the host without waiting, in order.
  /// Returns how many it took; the kernel refused the rest for want of room and the caller
  /// counts them as drops. A packet the kernel calls malformed counts as taken.
  /// Super-packets only as `offloads()` says. An interface that somebody switched off is an error
  /// (EIO).
  [[nodiscard]] virtual Result<std::size_t> write_batch(std::span<const HostPacket> packets) = 0;
};

struct TunOptions {
  std::string name_template = "slopn%d";  ///< Kernel syntax; at most 15 bytes.
  std::uint16_t mtu_bytes = 1280;         ///< Inner MTU. IPv6 needs at least 1280 (RFC 8200 s. 5).
  /// What to ask the kernel for. One that has less is no error: see `TunDevice::offloads()`.
  TunOffloads offloads{.tcp = true, .udp = true};
};

/// Opens a new TUN interface, up but without addresses, on which the kernel says nothing by itself
/// (no link-local address, no router solicitation). Needs CAP_NET_ADMIN. Errc::busy if another
/// process holds an interface of that name.
/// Each operating system defines this function in its own folder; CMake links exactly one.
[[nodiscard]] Result<std::unique_ptr<TunDevice>> open_tun(boost::asio::any_io_executor executor,
                                                          const TunOptions& options);

}  // namespace slopn::platform
