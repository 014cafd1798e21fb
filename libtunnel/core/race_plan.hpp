#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "libtunnel/base/clock.hpp"
#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn {

/// One address of one gateway.
struct RaceCandidate {
  UdpEndpoint endpoint;
  std::size_t gateway = 0;  ///< Which of the profile's; 0 is liked best.
  friend bool operator==(const RaceCandidate&, const RaceCandidate&) = default;
};

/// When to try which of a gateway's addresses, and of several gateways: Happy Eyeballs (RFC 8305)
/// for QUIC handshakes. Decides only; somebody else runs them and reports.
///
/// One starts at once, the next after `kHeadStart` or as soon as one has failed, and so on, until
/// one has won. Each gateway in turn has an IPv6 and an IPv4 address tried, then each another pair.
/// Should the winner turn out to be of no use, or not give a tunnel within `kAnswerTime` while others
/// might, the race goes on with those that have not failed.
class RacePlan {
 public:
  static constexpr Clock::duration kHeadStart = std::chrono::milliseconds(250);
  static constexpr Clock::duration kAnswerTime = std::chrono::seconds(3);
  /// More are left out: each costs a socket and a handshake.
  static constexpr std::size_t kMaxCandidates = 16;

  /// Names a candidate for as long as the plan lives.
  using Runner = std::size_t;

  /// More to try. What is known already is skipped.
  void add(const std::vector<RaceCandidate>& candidates);
  /// A name that has no address.
  void note_failure(Error reason) { failures_.push_back(std::move(reason)); }
  /// No more will be added.
  void close() noexcept { closed_ = true; }

  /// Who is to start now; ask again until nobody is.
  [[nodiscard]] std::optional<Runner> start_next(Clock::time_point now);
  /// The winner, when its time is over: close it, and report it as failed.
  [[nodiscard]] std::optional<Runner> overdue(Clock::time_point now) const noexcept;
  /// When to ask `overdue()` and `start_next()` again, unless something happens before.
  [[nodiscard]] std::optional<Clock::time_point> next_deadline() const noexcept;

  void on_failed(Runner runner, Error reason, Clock::time_point now);
  /// Its handshake is done. Returns those that are to be closed now.
  [[nodiscard]] std::vector<Runner> on_won(Runner runner, Clock::time_point now);
  /// The winner has given a tunnel: the race is over for good.
  void on_settled() noexcept { settled_ = true; }

  [[nodiscard]] const RaceCandidate& candidate(Runner runner) const
  {
    return entries_[runner].candidate;
  }
  [[nodiscard]] std::optional<Runner> winner() const noexcept { return winner_; }
  /// Everybody has failed and nobody else will come.
  [[nodiscard]] bool lost() const noexcept;
  /// Why, when it is `lost()`: an error that may pass, if there is one among them. Trying again is
  /// only in vain when it is with every address.
  [[nodiscard]] Error reason() const;

 private:
  enum class Progress : std::uint8_t { waiting, running, failed };
  struct Entry {
    RaceCandidate candidate;
    std::size_t round = 0;  // how many of its gateway and family are before it
    Progress progress = Progress::waiting;
  };

  [[nodiscard]] std::optional<Runner> best_waiting() const noexcept;
  [[nodiscard]] bool any(Progress progress) const noexcept;

  std::vector<Entry> entries_;
  std::vector<Error> failures_;
  std::optional<Runner> winner_;
  Clock::time_point start_at_ = Clock::time_point::min();
  Clock::time_point answer_by_ = Clock::time_point::max();  // of the winner
  bool settled_ = false;
  bool closed_ = false;
};

}  // namespace slopn
