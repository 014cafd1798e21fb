#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "cli/measure/latency.hpp"
#include "cli/measure/target.hpp"

namespace slopn::cli {

/// Sends echoes and takes replies over one socket.
class EchoClient {
 public:
  using Instant = EchoLog::Instant;

  [[nodiscard]] static Outcome<EchoClient> open(const MeasureTarget& target);

  /// A packet that cannot be sent counts as sent, and so as lost.
  void send();
  /// Waits until a reply comes, or until `deadline` or until `stop_fd` (-1: none) is readable.
  [[nodiscard]] std::optional<EchoLog::Reply> wait(Instant deadline, int stop_fd = -1);

  [[nodiscard]] const EchoLog& log() const noexcept { return log_; }

 private:
  explicit EchoClient(UniqueFd socket) : socket_(std::move(socket)), log_(random_test_number()) {}

  UniqueFd socket_;
  EchoLog log_;
};

/// `count` echoes, one every `interval`, and a second for the last of them.
[[nodiscard]] EchoResult measure_echoes(EchoClient client, unsigned count,
                                        std::chrono::milliseconds interval);

/// Echoes beside something else, on a thread of its own, until `finish()`.
class EchoProbe {
 public:
  EchoProbe(EchoClient client, std::chrono::milliseconds interval);
  ~EchoProbe();
  EchoProbe(const EchoProbe&) = delete;
  EchoProbe& operator=(const EchoProbe&) = delete;

  /// Sends no more, and waits up to a second for what is still on its way.
  [[nodiscard]] EchoResult finish();

 private:
  EchoClient client_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace slopn::cli
