#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>

#include "libtunnel/base/clock.hpp"

namespace slopn {

struct HealthPolicy {
  /// How long anything that demands an answer may stay without one. At least four probe time-outs
  /// are granted (RFC 9002 section 6.2.1), so a slow path is not taken for a dead one.
  Clock::duration patience = std::chrono::seconds(3);
  /// The same when there is a reason for doubt: the host woke up, the network changed.
  Clock::duration doubt = std::chrono::milliseconds(1500);
  /// How long a new path may take until the peer has confirmed it (RFC 9000 section 8.2).
  Clock::duration confirmation = std::chrono::milliseconds(1000);
};

/// Whether the peer still hears us, judged by what comes back: an authenticated packet is the only
/// proof, and silence means something only while an answer is due.
///
///               sent                    half of the time is over
///      calm ----------> waiting ---------------------------------> (ask)
///        ^                 |                                         |
///        '-----heard-------'<----------------------------------------'
///                          |  time is over
///                          v
///                        dead          doubting and moving lead there too, in less time
///
/// Moving ends with the confirmation of the new path only: what still comes over the old one says
/// nothing about it. Without a way to the peer nothing can be asked; the time runs all the same.
class PathHealth {
 public:
  enum class Verdict : std::uint8_t {
    good,
    ask,            ///< Demand a sign of life now.
    silent,         ///< Dead: no answer.
    not_confirmed,  ///< Dead: the new path does not lead to the peer.
    no_way,         ///< Dead: the host has had no way to the peer for too long.
  };

  explicit PathHealth(HealthPolicy policy = {}) noexcept : policy_(policy) {}

  /// After every look at the connection. `heard`: an authenticated packet came since the last one.
  /// `answer_due`: something that demands an answer is out. `probe_timeout` is RFC 9002's PTO.
  void note(bool heard, bool answer_due, Clock::duration probe_timeout, Clock::time_point now);

  /// There is a reason for doubt; the caller demands a sign of life at once.
  void on_doubt(Clock::time_point now);
  /// The connection goes on over another path.
  void on_moved(Clock::time_point now);
  /// The peer has confirmed that path.
  void on_confirmed(Clock::time_point now);
  /// The host has no way to the peer. Ends with `on_moved()` or with a sign of life.
  void on_no_way(Clock::time_point now);

  [[nodiscard]] Verdict on_time(Clock::time_point now);
  /// When to ask `on_time()`; `Clock::time_point::max()` while nothing is due.
  [[nodiscard]] Clock::time_point next_deadline() const noexcept;

  /// When the peer was last heard; absent before the first time.
  [[nodiscard]] std::optional<Clock::time_point> last_heard() const noexcept { return last_heard_; }

 private:
  struct Calm {};
  struct Waiting {
    Clock::time_point ask_at;  // max(): it has been asked
    Clock::time_point until;
  };
  struct Moving {
    Clock::time_point until;
  };
  struct NoWay {
    Clock::time_point until;
  };

  [[nodiscard]] Waiting wait(Clock::duration patience, Clock::time_point now) const noexcept;

  HealthPolicy policy_;
  std::variant<Calm, Waiting, Moving, NoWay> state_;
  Clock::duration probe_timeout_{};
  std::optional<Clock::time_point> last_heard_;
};

}  // namespace slopn
