#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "libtunnel/measure/protocol.hpp"

namespace slopn::cli {

struct LatencySummary {
  std::chrono::microseconds min{0};
  std::chrono::microseconds average{0};
  std::chrono::microseconds max{0};
  std::chrono::microseconds deviation{0};  ///< Standard deviation, as ping's "mdev".
  std::chrono::microseconds median{0};
  std::chrono::microseconds p99{0};  ///< 99th percentile, nearest rank.
  friend bool operator==(const LatencySummary&, const LatencySummary&) = default;
};

/// nullopt without any.
[[nodiscard]] std::optional<LatencySummary> summarize(
    std::vector<std::chrono::microseconds> round_trips);

/// What came of a series of echoes.
struct EchoResult {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::optional<LatencySummary> latency;  ///< Absent when nothing was received.
  [[nodiscard]] std::uint64_t lost() const noexcept { return sent - received; }
};

/// Remembers which echo was sent when, and tells which of them a packet answers.
class EchoLog {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  struct Reply {
    std::uint64_t sequence = 0;  ///< From 1.
    std::chrono::microseconds round_trip{0};
  };

  /// `test` tells our echoes from those of others; any number.
  explicit EchoLog(std::uint64_t test) noexcept : test_(test) {}

  /// The next request, sent `now`.
  [[nodiscard]] measure::Echo next(Instant now);
  /// nullopt for what answers none of our requests, or one that is answered already.
  [[nodiscard]] std::optional<Reply> take(ByteView packet, Instant now);

  [[nodiscard]] bool all_answered() const noexcept { return round_trips_.size() == sent_.size(); }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_.size(); }
  [[nodiscard]] EchoResult result() const;

 private:
  std::uint64_t test_;
  std::vector<std::optional<Instant>> sent_;  // by sequence number; empty: answered
  std::vector<std::chrono::microseconds> round_trips_;
};

}  // namespace slopn::cli
