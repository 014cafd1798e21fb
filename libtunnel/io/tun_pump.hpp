#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <span>

#include "libtunnel/base/packet_batch.hpp"
#include "libtunnel/io/task_group.hpp"
#include "platform/tun_device.hpp"

namespace slopn::io {

/// Takes the host's packets from a `TunPump`.
class InnerHandler {
 public:
  virtual ~InnerHandler() = default;
  /// Takes all of `packets`, which are valid and may be changed during the call.
  virtual void on_inner_packets(std::span<const HostPacket> packets) = 0;
  /// Whether more may be read. When not, nothing is, until `TunPump::resume()`.
  [[nodiscard]] virtual bool wants_inner_packets() const = 0;
  /// The device has no more packets for now: whatever was put off may be done.
  virtual void on_inner_pause() = 0;
  /// The device cannot be read any more, for example because somebody deleted it.
  virtual void on_tun_lost(Error reason) = 0;
};

/// Owns a TUN device and reads it, in batches and with back-pressure: what its handler does not
/// want yet waits in the kernel, not here. All calls belong on the executor.
class TunPump {
 public:
  TunPump(asio::any_io_executor executor, std::unique_ptr<platform::TunDevice> device,
          InnerHandler& handler);

  [[nodiscard]] platform::TunDevice& device() noexcept { return *device_; }

  /// The handler can take packets again.
  void resume();
  [[nodiscard]] bool waiting() const noexcept { return waiting_; }

  /// Stops reading. The pump must not be destroyed before this is done.
  [[nodiscard]] asio::awaitable<void> stop();

 private:
  static constexpr std::size_t kBatchPackets = 64;
  static constexpr std::size_t kBatchBytes = 8 * kMaxHostPacketBytes;

  [[nodiscard]] asio::awaitable<void> run();
  [[nodiscard]] bool read_once();

  std::unique_ptr<platform::TunDevice> device_;
  InnerHandler& handler_;
  PacketBatch batch_;
  bool waiting_ = false;  // for the handler
  asio::steady_timer resumed_;
  TaskGroup tasks_;
};

}  // namespace slopn::io
