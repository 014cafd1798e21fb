#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <vector>

namespace slopn::test {

/// How one direction of a wide-area link treats packets.
struct WanShape {
  std::chrono::nanoseconds delay{};   ///< From the end of sending to arrival.
  double loss = 0;                    ///< Probability that a packet disappears on its way, 0 to 1.
  std::uint64_t rate_bits_per_s = 0;  ///< Of whole IP packets. 0: without a limit, nothing waits.
  std::size_t queue_bytes = 0;        ///< What may wait for the rate, the packet being sent
                                      ///< included. 0: without a limit.
  std::size_t queue_packets = 0;      ///< The same as a number of packets.
};

/// What happened to the packets of one direction.
struct WanCounters {
  std::uint64_t accepted = 0;  ///< Put on the way; not `lost`, not `overflown`.
  std::uint64_t accepted_bytes = 0;
  std::uint64_t lost = 0;       ///< By `WanShape::loss`.
  std::uint64_t overflown = 0;  ///< By the caps of the queue, or by `kMostInFlight`.
  std::size_t peak_in_flight = 0;
};

/// One direction of a link as a function of packets and time: no clock, no I/O.
///
///     packet -> queue (caps) -> sender (rate) -> wire (loss, delay) -> due
///
/// Packets keep their order. Loss comes after the queue: a lost packet has used the rate. Which
/// ones are lost follows from the seed and their order alone. Times given never go back.
class WanDirection {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kSlotBytes = 2048;
  static constexpr std::size_t kMostInFlight = 1 << 17;  ///< 256 MB; the rest overflows.

  WanDirection(const WanShape& shape, std::uint64_t seed) : shape_(shape), random_(seed) {}

  /// Room for the next packet, `kSlotBytes` long. Valid until the next `accept()`.
  [[nodiscard]] std::span<std::byte> spare();

  /// Decides about the first `used_bytes` of `spare()`, of which `packet_bytes` count for rate and
  /// queue (a header in front of the packet does not).
  void accept(std::size_t used_bytes, std::size_t packet_bytes, Time now);

  struct Due {
    Time at;
    std::span<const std::byte> bytes;
  };
  /// The packet that arrives next, also when that is in the future. Valid until `pop()`.
  [[nodiscard]] std::optional<Due> next() const;
  /// Forgets the packet that `next()` gave.
  void pop();

  [[nodiscard]] const WanCounters& counters() const noexcept { return counters_; }

 private:
  using Slot = std::array<std::byte, kSlotBytes>;
  struct Waiting {
    Time sent;  // when the sender is done with it
    std::size_t packet_bytes;
  };
  struct InFlight {
    Time due;
    Slot* slot;
    std::size_t used_bytes;
  };

  [[nodiscard]] bool is_full(std::size_t packet_bytes) const noexcept;
  [[nodiscard]] Time send(std::size_t packet_bytes, Time now);

  WanShape shape_;
  std::mt19937_64 random_;
  std::uniform_real_distribution<> chance_;
  std::vector<std::unique_ptr<Slot>> slots_;  // all there are; grows with need
  std::vector<Slot*> free_;                   // the last is the most recently used
  std::deque<Waiting> queue_;                 // only with a rate
  std::size_t queued_bytes_ = 0;
  std::deque<InFlight> in_flight_;  // all that will arrive, those in the queue too
  WanCounters counters_;
};

}  // namespace slopn::test
