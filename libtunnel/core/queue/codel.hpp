#pragma once

#include <cstddef>
#include <cstdint>

#include "libtunnel/base/clock.hpp"

namespace slopn::queue {

/// CoDel's two parameters (RFC 8289 section 4); the defaults suit paths of 10 to 300 ms.
struct CodelOptions {
  Clock::duration target = std::chrono::milliseconds{5};      ///< Standing delay that is accepted.
  Clock::duration interval = std::chrono::milliseconds{100};  ///< About the longest usual RTT.
  /// A queue that holds no more than this is never signalled: its delay is not of its own making.
  std::size_t mtu_bytes = 1514;
};

/// How long CoDel remembers, in intervals: a queue that turns bad again within this time is met
/// with nearly the frequency of drops it had before; later it starts over.
inline constexpr int kCodelMemoryIntervals = 16;

/// CoDel's control law for one queue (RFC 8289 section 5), asked once for each packet that is about
/// to leave. It sees delays and tells when a sender is to be signalled; whether that is a drop or a
/// CE mark is the queue's affair, and counts the same.
///
///            delay >= target for an interval: signal
///   passing ----------------------------------------> dropping: signals `interval/sqrt(count)` apart
///           <----------------------------------------
///            delay < target, or at most an MTU is left
class Codel {
 public:
  /// Whether the sender of the packet at the head is to be signalled. `sojourn` is the time it has
  /// waited, `bytes_behind` what the queue holds without it. After a drop the next packet is asked
  /// for with the same `now`; more than one in a row may have to go after a long pause.
  [[nodiscard]] bool should_signal(const CodelOptions& options, Clock::time_point now,
                                   Clock::duration sojourn, std::size_t bytes_behind) noexcept;

  /// The signals of this dropping state, or of the last one.
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] bool dropping() const noexcept { return dropping_; }

 private:
  [[nodiscard]] bool is_persistently_late(const CodelOptions& options, Clock::time_point now,
                                          Clock::duration sojourn,
                                          std::size_t bytes_behind) noexcept;
  void start_dropping(const CodelOptions& options, Clock::time_point now) noexcept;

  Clock::time_point signal_from_{};  ///< With `late_`: when the delay has been too long for good.
  Clock::time_point next_signal_{};  ///< The RFC's drop_next.
  std::uint32_t count_ = 0;
  std::uint32_t first_count_ = 0;  ///< `count_` as the dropping state began; the RFC's lastcount.
  bool late_ = false;
  bool dropping_ = false;
};

}  // namespace slopn::queue
