#pragma once

#include <functional>

#include "cli/measure/target.hpp"
#include "libtunnel/measure/protocol.hpp"

namespace slopn::cli {

struct LoadOrder {
  measure::Direction direction = measure::Direction::down;
  unsigned streams = 4;               ///< 1 to measure::kMaxStreams.
  std::chrono::seconds duration{10};  ///< 1 s to measure::kMaxDuration.
};

/// What arrived at the receiving end.
struct Load {
  std::uint64_t bytes = 0;
  std::chrono::microseconds elapsed{0};
  std::uint64_t rate_bits_per_s = 0;
};

/// Told every second what has arrived since the last time.
using LoadProgress = std::function<void(std::chrono::seconds at, std::uint64_t rate_bits_per_s)>;

/// Fills the tunnel in one direction. Failures: nobody answers, the gateway is busy (tried again for
/// some seconds) or ends the test.
[[nodiscard]] Outcome<Load> run_load(const MeasureTarget& target, const LoadOrder& order,
                                     const LoadProgress& progress);

/// Bits a second, of `bytes` in `elapsed`; 0 for no time.
[[nodiscard]] std::uint64_t rate_of(std::uint64_t bytes, std::chrono::microseconds elapsed);

}  // namespace slopn::cli
