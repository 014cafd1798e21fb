#pragma once

#include <cstddef>
#include <map>
#include <unordered_map>
#include <utility>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/measure/protocol.hpp"

namespace slopn::measure {

struct TestLimits {
  std::size_t max_tests = 4;  ///< At a time. One client (inner address) has at most one.
  std::size_t max_connections = 96;
  /// A whole test and a few that have not said yet what they want.
  std::size_t max_connections_per_client = kMaxStreams + 4;
};

/// Who is connected to the service, and which streams belong to which test: decides what one more
/// may do.
class TestBook {
 public:
  explicit TestBook(TestLimits limits = {}) noexcept : limits_(limits) {}

  /// A connection from `client`; false: one too many, close it. `leave()` when it is over.
  [[nodiscard]] bool come(const IpAddress& client);
  void leave(const IpAddress& client);

  /// Begins a test, or adds a stream to one that has room. `end_stream()` when it is over.
  [[nodiscard]] Verdict begin_stream(const IpAddress& client, const Hello& hello);
  void end_stream(const IpAddress& client, const Hello& hello);

  [[nodiscard]] std::size_t connections() const noexcept { return connections_; }
  [[nodiscard]] std::size_t tests() const noexcept { return tests_.size(); }

 private:
  struct Test {
    Hello hello;            // of its first stream
    std::size_t begun = 0;  // streams, also those that are over
    std::size_t open = 0;
  };

  TestLimits limits_;
  std::size_t connections_ = 0;
  std::unordered_map<IpAddress, std::size_t> connections_of_;
  std::unordered_map<IpAddress, Test> tests_;
};

/// Lets so many events a second pass, in bursts of a tenth of that.
class RateLimit {
 public:
  explicit RateLimit(std::size_t per_second) noexcept
      : interval_(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second)
  {
  }

  template <class TimePoint>
  [[nodiscard]] bool allow(TimePoint now) noexcept
  {
    const std::chrono::nanoseconds at = now.time_since_epoch();
    if (next_ < at - kBurst) next_ = at - kBurst;
    if (next_ > at) return false;
    next_ += interval_;
    return true;
  }

 private:
  static constexpr std::chrono::nanoseconds kBurst = std::chrono::milliseconds(100);
  std::chrono::nanoseconds interval_;
  std::chrono::nanoseconds next_{0};
};

}  // namespace slopn::measure
