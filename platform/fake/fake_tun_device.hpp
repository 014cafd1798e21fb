#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "platform/tun_device.hpp"

namespace slopn::platform {

/// A TUN interface in memory. A test plays the host: it injects what the host sends and takes what
/// the host got. Belongs to one executor, like the real one.
class FakeTunDevice final : public TunDevice {
 public:
  explicit FakeTunDevice(const boost::asio::any_io_executor& executor, std::string name = "slopn0",
                         std::uint32_t index = 1);

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::uint32_t index() const noexcept override { return index_; }
  [[nodiscard]] boost::asio::awaitable<Result<>> wait_readable() override;
  [[nodiscard]] Result<std::size_t> read_batch(PacketBatch& batch) override;
  [[nodiscard]] Result<std::size_t> write_batch(std::span<const HostPacket> packets) override;
  [[nodiscard]] TunOffloads offloads() const noexcept override { return {}; }

  /// The host sends a packet. One longer than a slot of the reader's batch is cut off, as the
  /// kernel does it.
  void inject(ByteView packet);
  /// Injected and not yet read.
  [[nodiscard]] std::size_t waiting() const noexcept { return inbound_.size(); }

  /// What the host received since the last call, in order.
  [[nodiscard]] std::vector<ByteVector> take_written();
  /// Waits for the next packet the host receives. Cancelling, and deletion of the interface,
  /// complete with an error.
  [[nodiscard]] boost::asio::awaitable<Result<ByteVector>> next_written();

  /// The host takes only so many packets until they are taken out again; nullopt: any number.
  void limit_room(std::optional<std::size_t> packets) noexcept { room_packets_ = packets; }

  /// Somebody deletes the interface: every call fails from now on, waiting ones too.
  void remove();

 private:
  [[nodiscard]] Error removed_error() const;

  std::string name_;
  std::uint32_t index_;
  std::deque<ByteVector> inbound_;
  std::deque<ByteVector> written_;
  std::optional<std::size_t> room_packets_;
  bool removed_ = false;
  boost::asio::steady_timer inbound_bell_;
  boost::asio::steady_timer written_bell_;
};

}  // namespace slopn::platform
