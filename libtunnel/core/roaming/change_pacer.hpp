#pragma once

#include <chrono>
#include <optional>

#include "libtunnel/base/clock.hpp"

namespace slopn {

struct PacerPolicy {
  Clock::duration quiet = std::chrono::milliseconds(100);    ///< Nothing more came for so long.
  Clock::duration longest = std::chrono::milliseconds(400);  ///< Not quiet, but looked at anyway.
  unsigned burst = 4;                                        ///< Moves that may follow each other.
  Clock::duration refill = std::chrono::seconds(5);          ///< Then one in this time.
};

/// When to look at a network that keeps changing. A change of the host's network is a handful of
/// events, so one looks when they have stopped; a network that never comes to rest is looked at all
/// the same. Moving costs packets and connection IDs: a few moves are made as fast as the network
/// demands, then they are spread over time, and what has flapped back meanwhile costs nothing.
class ChangePacer {
 public:
  explicit ChangePacer(PacerPolicy policy = {}) noexcept
      : policy_(policy), moves_left_(policy.burst)
  {
  }

  /// Something in the host's network changed.
  void on_event(Clock::time_point now) noexcept;

  /// Whether to look now. True at most once for what has happened up to now.
  [[nodiscard]] bool should_look(Clock::time_point now) noexcept;
  /// When to ask again; `Clock::time_point::max()` while nothing has happened.
  [[nodiscard]] Clock::time_point next_deadline() const noexcept;

  /// The look has led to a move.
  void on_move(Clock::time_point now) noexcept;

 private:
  void refill(Clock::time_point now) noexcept;

  PacerPolicy policy_;
  std::optional<Clock::time_point> first_event_;  // of those not looked at
  Clock::time_point last_event_;
  unsigned moves_left_;
  Clock::time_point refilled_at_;  // while some are missing
};

}  // namespace slopn
