#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "tests/bench/fleet/client.hpp"
#include "tests/bench/fleet/options.hpp"
#include "tests/bench/fleet/process_probe.hpp"

namespace slopn::fleet {

/// What opening sessions looked like.
struct Opening {
  std::size_t opened = 0;
  std::map<std::string, std::size_t> failures;  ///< By what was said.
  double seconds = 0;
  double gateway_cpu_s = 0;  ///< 0 without --pid.
  double median_ms = 0;      ///< From the first packet to an inner address.
  double p99_ms = 0;
};

/// What idle sessions cost.
struct Idling {
  std::size_t sessions_before = 0;
  std::size_t sessions_after = 0;
  double seconds = 0;
  double gateway_cpu_s = 0;
};

struct Figures {
  Opening opening;
  std::optional<Opening> again;  ///< With --reconnect.
  std::optional<Idling> idle;
  std::optional<ProcessSample> gateway_before;  ///< Before the first session.
  std::optional<ProcessSample> gateway_idle;    ///< With all of them, idle.
  std::string key_exchange_group;
  std::string cipher;
};

/// Many clients on one thread.
class Fleet {
 public:
  /// `stop` becomes true when the user wants no more.
  Fleet(const Options& options, const quic::TlsContext& tls, const std::atomic<bool>& stop);

  /// Does everything; what was measured so far when stopped.
  [[nodiscard]] Result<Figures> run();

 private:
  [[nodiscard]] Result<Opening> open_all();
  [[nodiscard]] Idling hold();
  void close_all();

  [[nodiscard]] bool may_start(std::size_t started, std::size_t unfinished,
                               Clock::time_point begin) const;
  [[nodiscard]] Result<> start(Client& client);
  /// Serves sockets and timers once; waits for at most `longest`.
  void serve(Clock::duration longest);
  void serve_deadlines();
  void reschedule(Client& client);
  void note_outcome(Client& client);
  [[nodiscard]] std::size_t sessions() const noexcept;
  [[nodiscard]] double gateway_cpu_s() const;

  const Options& options_;
  const quic::TlsContext& tls_;
  const std::atomic<bool>& stop_;
  UniqueFd epoll_;
  std::deque<Client> clients_;  // never moved: the epoll set points at them
  std::set<std::pair<Clock::time_point, Client*>> schedule_;
  std::vector<std::byte> buffer_;
  Opening opening_;  // the one that goes on
  std::vector<double> delays_ms_;
  std::size_t finished_ = 0;
};

}  // namespace slopn::fleet
