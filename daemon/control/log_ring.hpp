#pragma once

#include <spdlog/sinks/base_sink.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace slopn::control {

struct LogLine {
  std::uint64_t number = 0;  ///< From 1, without gaps.
  std::chrono::system_clock::time_point time;
  spdlog::level::level_enum level = spdlog::level::info;
  std::string text;  ///< Without time and level; cut off where it gets long.
};

/// How much of the log is remembered; the newest line always is.
struct LogLimits {
  std::size_t lines = 1000;
  std::size_t bytes = 256 * 1024;
  std::size_t line_bytes = 2048;
};

/// A sink that remembers the last lines, for `WatchLogs`. Lines come from any thread.
class LogRing final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LogRing(LogLimits limits = {}) : limits_(limits) {}

  using Lines = std::vector<std::shared_ptr<const LogLine>>;  // shared with the ring, never changed
  /// The remembered lines behind `number`, in order.
  [[nodiscard]] Lines lines_after(std::uint64_t number);

  /// Calls `notify` after the next line, in the thread that logged it; then never again, until this
  /// is called again. It must not log and not wait. Null: nobody is interested.
  void notify_once(std::function<void()> notify);

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

  const LogLimits limits_;
  std::deque<std::shared_ptr<const LogLine>> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t latest_ = 0;
  std::function<void()> notify_;
};

}  // namespace slopn::control
