#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "libtunnel/base/clock.hpp"
#include "libtunnel/base/result.hpp"
#include "libtunnel/core/tunnel_phase.hpp"

namespace slopn {

/// The life of a client's tunnel as a function of events and time: no sockets, no timers, no
/// threads. The driver performs the actions and reports back with events. docs/states.md draws it
/// and says what each request does in each state.
///
///     Disconnected --connect--> Connecting --interface up--> Connected
///                                 |      ^                      |
///                     deadline,   |      | time, connect,       | link lost
///                     link lost   v      | network is back      |
///                               Reconnecting <------------------'
///
/// A disconnect leads from Connecting and Connected through Disconnecting to Disconnected, and from
/// everywhere else there at once. An error that trying again cannot cure (`is_retryable()`) leads
/// from Connecting and Connected to Failed.
///
/// Beside the state, `guard()` says what becomes of the packets that belong into the tunnel. Once
/// they are kept from leaving in the open they stay so, until somebody asks for a disconnect while
/// lockdown is off, or ends lockdown while disconnected. That request may have been made in
/// advance: a connect that wants to be confirmed in time.
namespace tunnel {

/// Names one try to connect. Answers carry it, so that a late answer to an earlier try is
/// recognised and ignored. Never 0, never used twice.
enum class LinkId : std::uint32_t {};

/// What becomes of the packets that belong into the tunnel.
enum class Guard : std::uint8_t {
  open,     ///< They leave the host as if there were no slopn.
  blocked,  ///< Nothing leaves the host but our own packets.
  tunnel,   ///< The interface and its routes are there. What finds no link behind them is lost.
};

struct Disconnected {
  std::optional<Error> reason;  ///< Empty when somebody asked for it.
};
struct Connecting {
  LinkId id{};
  std::uint32_t attempt = 1;  ///< 1 for the first try since the tunnel was last stable.
  Phase phase = Phase::resolving;
  Clock::time_point deadline;
  bool link_up = false;  ///< Only the interface is still missing.
};
struct Connected {
  LinkId id{};
  Clock::time_point since;
  std::uint32_t attempt = 1;  ///< What it took; counts on if this does not last.
};
struct Reconnecting {
  std::uint32_t next_attempt = 1;
  Clock::time_point since;
  Clock::time_point until;
  Error reason;  ///< Why the last try or the connection ended.
};
struct Disconnecting {
  LinkId id{};
  Clock::time_point deadline;
  std::optional<Error> reason;  ///< Of the Disconnected that follows.
};
struct Failed {
  Error error;
};
using State =
    std::variant<Disconnected, Connecting, Connected, Reconnecting, Disconnecting, Failed>;

/// "disconnected", "connecting", ...: as the control API calls them.
[[nodiscard]] std::string_view to_string(const State& state) noexcept;

/// While a connection is wanted already: tries at once in Reconnecting, and confirms an earlier
/// request unless it wants to be confirmed itself. Cuts Disconnecting short.
struct ConnectRequested {
  /// Disconnects after this time unless somebody confirms. Ignored when a connection is wanted
  /// already.
  std::optional<Clock::duration> confirm_within = std::nullopt;
};
struct ConnectionConfirmed {};
/// A second one ends Disconnecting at once.
struct DisconnectRequested {};
/// Whether traffic is to be blocked whenever there is no tunnel.
struct LockdownChanged {
  bool on = false;
};
/// `usable` says whether the host has any way out. Without one, nothing is tried but rarely, and
/// such tries are not counted.
struct NetworkChanged {
  bool usable = true;
};
/// The host is about to sleep.
struct Suspended {};
struct Resumed {};
/// Never with `Phase::configuring` before the gateway has let us in.
struct LinkProgressed {
  LinkId id{};
  Phase phase{};
};
/// The link has addresses and may carry packets.
struct LinkUp {
  LinkId id{};
};
/// The interface is as the link wants it.
struct InterfaceUp {
  LinkId id{};
};
/// The link is gone, or could not be made; it needs no DropLink any more. Also when the interface
/// could not be made for it.
struct LinkLost {
  LinkId id{};
  Error reason;
};
/// The peer has been told and the link is gone.
struct DrainDone {
  LinkId id{};
};
struct TimeAdvanced {};
using Event = std::variant<ConnectRequested, ConnectionConfirmed, DisconnectRequested,
                           LockdownChanged, NetworkChanged, Suspended, Resumed, LinkProgressed,
                           LinkUp, InterfaceUp, LinkLost, DrainDone, TimeAdvanced>;

/// Connect, authenticate, get addresses; answer with LinkUp or LinkLost.
struct StartLink {
  LinkId id{};
};
/// Make the host's network as this link needs it, in place of whatever it is now; answer with
/// InterfaceUp, or drop the link and answer with LinkLost.
struct ConfigureInterface {
  LinkId id{};
};
/// Forget the link at once and without waiting; no answer.
struct DropLink {
  LinkId id{};
};
/// Tell the peer that this is the end, then answer with DrainDone.
struct StartDrain {
  LinkId id{};
};
/// Let nothing leave the host but our own packets, and take the interface down if there is one.
struct BlockTraffic {};
/// Leave the host's network as it was found.
struct OpenTraffic {};
using Action =
    std::variant<StartLink, ConfigureInterface, DropLink, StartDrain, BlockTraffic, OpenTraffic>;

}  // namespace tunnel

struct RetryPolicy {
  Clock::duration connect_timeout = std::chrono::seconds(10);
  Clock::duration first_backoff = std::chrono::seconds(1);
  Clock::duration longest_backoff = std::chrono::seconds(60);
  Clock::duration stable_after = std::chrono::seconds(10);  ///< Connected so long ends a series.
  Clock::duration drain_timeout = std::chrono::seconds(2);
  /// Between a loss and the next try, however often the network comes back.
  Clock::duration least_pause = std::chrono::milliseconds(100);
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
  [[nodiscard]] tunnel::Guard guard() const noexcept { return guard_; }
  [[nodiscard]] bool lockdown() const noexcept { return lockdown_; }
  /// What should go through the tunnel goes nowhere at present.
  [[nodiscard]] bool traffic_blocked() const noexcept;
  /// Whether somebody wants a connection: Connecting, Connected or Reconnecting.
  [[nodiscard]] bool connection_wanted() const noexcept;
  /// When the connection ends unless it is confirmed; empty when it needs no confirmation.
  [[nodiscard]] std::optional<Clock::time_point> confirm_until() const noexcept
  {
    return confirm_until_;
  }

 private:
  struct Reaction;  // one handler for each event

  [[nodiscard]] Actions start(std::uint32_t attempt, Clock::time_point now);
  [[nodiscard]] Actions lose(Error reason, Clock::time_point now);
  [[nodiscard]] Actions fail_for_good(Error error, bool half_made);
  [[nodiscard]] Actions wait_for_better_times(Error reason, Clock::time_point now);
  [[nodiscard]] Actions try_soon(Clock::time_point now);
  [[nodiscard]] Actions end(std::optional<Error> reason, Clock::time_point now);
  [[nodiscard]] Actions on_time(Clock::time_point now);
  [[nodiscard]] Actions restore_guard() const;
  [[nodiscard]] Actions let_go(bool half_made);
  [[nodiscard]] bool held() const noexcept { return asleep_ || !network_usable_; }
  [[nodiscard]] Clock::duration backoff_before(std::uint32_t attempt) noexcept;

  RetryPolicy policy_;
  std::uint64_t random_;
  std::uint32_t last_id_ = 0;
  tunnel::State state_;
  tunnel::Guard guard_ = tunnel::Guard::open;
  bool lockdown_ = false;
  bool network_usable_ = true;
  bool asleep_ = false;
  std::optional<Clock::time_point> confirm_until_;
};

}  // namespace slopn
