#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "libtunnel/base/clock.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn {

/// The life of a client's tunnel as a function of events and time: no sockets, no timers, no
/// threads. The driver performs the actions and reports back with events.
///
///     Idle --connect--> Connecting --link up--> Online
///                         |      ^                |
///             deadline,   |      | time,          | link lost
///             link lost   v      | connect        |
///                        Backoff <----------------'
///
/// A stop request leads from Online and Connecting through Closing to Closed, and from Idle and
/// Backoff to Closed at once. An error that retrying cannot cure (`is_retryable()`) leads from
/// Connecting and Online to Closed, with that error as the reason. A connect request starts again
/// from Closed, tries at once in Backoff, and means nothing in Connecting, Online and Closing.
/// A second stop request ends Closing at once.
///
/// Once up, the interface stays up through Backoff and Connecting: packets are lost then, but
/// none leaves the host beside the tunnel. It goes down only on the way to Closed.
namespace tunnel {

/// Names one try to connect. Answers carry it, so that a late answer to an earlier try is
/// recognised and ignored. Never 0, never used twice.
enum class LinkId : std::uint32_t {};

/// Whether the TUN interface exists and takes packets.
enum class Interface : std::uint8_t { down, up };

struct Idle {};
struct Connecting {
  LinkId id{};
  std::uint32_t attempt = 1;  ///< 1 for the first try since the tunnel was last stable.
  Clock::time_point deadline;
  Interface interface = Interface::down;
};
struct Online {
  LinkId id{};
  Clock::time_point since;
  std::uint32_t attempt = 1;  ///< What it took; counts on if this does not last.
};
struct Backoff {
  std::uint32_t next_attempt = 1;
  Clock::time_point until;
  Error reason;  ///< Why the last try or the connection ended.
  Interface interface = Interface::down;
};
struct Closing {
  LinkId id{};
  Clock::time_point deadline;
};
struct Closed {
  std::optional<Error> reason;  ///< Empty when somebody asked for it.
};
using State = std::variant<Idle, Connecting, Online, Backoff, Closing, Closed>;

struct ConnectRequested {};
/// The tunnel has addresses and may carry packets.
struct LinkUp {
  LinkId id{};
};
/// The link is gone, or could not be made; it needs no DropLink any more.
struct LinkLost {
  LinkId id{};
  Error reason;
};
struct StopRequested {};
/// The peer has been told and the link is gone.
struct DrainDone {
  LinkId id{};
};
struct TimeAdvanced {};
using Event =
    std::variant<ConnectRequested, LinkUp, LinkLost, StopRequested, DrainDone, TimeAdvanced>;

/// Connect, authenticate, get addresses; answer with LinkUp or LinkLost.
struct StartLink {
  LinkId id{};
};
/// Give the interface what this link was assigned. It may be up already, from an earlier link.
struct BringInterfaceUp {
  LinkId id{};
};
/// Forget the link at once and without waiting; no answer.
struct DropLink {
  LinkId id{};
};
struct TakeInterfaceDown {};
/// Tell the peer that this is the end, then answer with DrainDone.
struct StartDrain {
  LinkId id{};
};
using Action = std::variant<StartLink, BringInterfaceUp, DropLink, TakeInterfaceDown, StartDrain>;

}  // namespace tunnel

struct RetryPolicy {
  Clock::duration connect_timeout = std::chrono::seconds(10);
  Clock::duration first_backoff = std::chrono::seconds(1);
  Clock::duration longest_backoff = std::chrono::seconds(60);
  Clock::duration stable_after = std::chrono::seconds(10);  ///< Online for this long ends a series.
  Clock::duration drain_timeout = std::chrono::seconds(2);
};

class TunnelFsm {
 public:
  using Actions = std::vector<tunnel::Action>;

  /// `seed` decides the jitter: equal seeds and events give equal actions. Clients must differ in
  /// it, or they all come back in the same moment.
  TunnelFsm(RetryPolicy policy, std::uint64_t seed) noexcept : policy_(policy), random_(seed) {}

  /// Moves to the next state and says what must be done, in order.
  /// An event that means nothing in the current state is ignored: no change, no actions.
  [[nodiscard]] Actions on_event(const tunnel::Event& event, Clock::time_point now);

  /// When to deliver `TimeAdvanced`, unless another event comes first.
  [[nodiscard]] std::optional<Clock::time_point> next_deadline() const noexcept;

  [[nodiscard]] const tunnel::State& state() const noexcept { return state_; }

 private:
  [[nodiscard]] Actions connect(std::uint32_t attempt, tunnel::Interface interface,
                                Clock::time_point now);
  [[nodiscard]] Actions lose(const tunnel::Connecting& state, Error reason, Clock::time_point now);
  [[nodiscard]] Actions lose(const tunnel::Online& state, Error reason, Clock::time_point now);
  [[nodiscard]] Actions back_off(tunnel::Backoff next, Clock::time_point now);
  [[nodiscard]] Actions drain(tunnel::LinkId id, tunnel::Interface interface,
                              Clock::time_point now);
  [[nodiscard]] Actions close(std::optional<Error> reason, tunnel::Interface interface);
  [[nodiscard]] Clock::duration backoff_before(std::uint32_t attempt) noexcept;

  RetryPolicy policy_;
  std::uint64_t random_;
  std::uint32_t last_id_ = 0;
  tunnel::State state_;
};

}  // namespace slopn
