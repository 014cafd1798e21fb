#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "libtunnel/base/async.hpp"
#include "libtunnel/base/host_packet.hpp"
#include "libtunnel/base/ip.hpp"

namespace slopn::io {

/// Packets on their way from one worker to another, copied one behind the other.
class Mail {
 public:
  void add(const HostPacket& packet);
  /// Valid, and the reader's to change, until the next call of anything.
  [[nodiscard]] std::span<const HostPacket> packets();
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  void clear() noexcept;

 private:
  struct Entry {
    std::size_t size_bytes;
    Offload offload;
  };
  std::vector<std::byte> bytes_;
  std::vector<Entry> entries_;
  std::vector<HostPacket> packets_;
};

/// Brings the host's packets to the worker that serves their destination when another one has read
/// them: the kernel puts packets into the right TUN queue only where it takes our program, and a
/// moment too late when a client moves to another worker.
///
/// This is the slow path: the only thing that workers share, so it has locks, which nobody holds
/// while doing anything that takes time. Every call may come from any thread.
class InnerExchange {
 public:
  /// Of one worker; what comes on top is dropped, and counted.
  static constexpr std::size_t kMaxMailBytes = 1024 * 1024;

  explicit InnerExchange(std::size_t workers);

  /// `on_mail` runs on `executor`, and then mail waits for `collect()`. Once for each worker,
  /// before anything is handed to it.
  void join(std::size_t worker, asio::any_io_executor executor, std::function<void()> on_mail);

  /// `address` is served by `worker` from now on.
  void assign(const IpAddress& address, std::size_t worker);
  void withdraw(const IpAddress& address);

  /// False when no other worker than `reader` serves `destination`.
  bool hand_over(std::size_t reader, const IpAddress& destination, const HostPacket& packet);
  /// Replaces `mail` by what has come for `worker`.
  void collect(std::size_t worker, Mail& mail);

  /// Packets that came for `worker` and found no room.
  [[nodiscard]] std::uint64_t dropped_packets(std::size_t worker) const noexcept;

 private:
  struct Box {
    std::mutex guard;
    Mail mail;
    bool announced = false;  // `on_mail` is on its way
    std::atomic<std::uint64_t> dropped{0};
    asio::any_io_executor executor;
    std::function<void()> on_mail;
  };

  mutable std::shared_mutex guard_;
  std::unordered_map<IpAddress, std::size_t> workers_;  // by the address that they serve
  std::vector<std::unique_ptr<Box>> boxes_;
};

}  // namespace slopn::io
