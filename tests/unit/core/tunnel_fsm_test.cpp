#include "libtunnel/core/tunnel_fsm.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace slopn {
namespace {

using namespace std::chrono_literals;
using namespace tunnel;

// Time is an argument, so the tests own the clock and never sleep.
constexpr Clock::time_point kStart{};
constexpr LinkId kFirst{1};
constexpr LinkId kSecond{2};
constexpr std::uint64_t kSeed = 42;

template <class Wanted>
bool in_state(const TunnelFsm& fsm)
{
  return std::holds_alternative<Wanted>(fsm.state());
}

template <class Wanted>
const Wanted& state_as(const TunnelFsm& fsm)
{
  REQUIRE(in_state<Wanted>(fsm));
  return std::get<Wanted>(fsm.state());
}

// Whether the actions are of these types, in this order.
template <class... Wanted>
bool are(const TunnelFsm::Actions& actions)
{
  if (actions.size() != sizeof...(Wanted)) return false;
  [[maybe_unused]] std::size_t at = 0;
  return (std::holds_alternative<Wanted>(actions[at++]) && ...);
}

Error passing(const char* what = "test")
{
  return fail(Errc::unreachable, what);
}
Error final_one()
{
  return fail(Errc::auth_rejected, "test");
}

TunnelFsm connecting()
{
  TunnelFsm fsm{RetryPolicy{}, kSeed};
  CHECK(are<StartLink>(fsm.on_event(ConnectRequested{}, kStart)));
  return fsm;
}

TunnelFsm online()
{
  TunnelFsm fsm = connecting();
  CHECK(are<BringInterfaceUp>(fsm.on_event(LinkUp{kFirst}, kStart)));
  return fsm;
}

TunnelFsm backing_off()
{
  TunnelFsm fsm = connecting();
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, passing()}, kStart)));
  return fsm;
}

}  // namespace

TEST_CASE("tunnel: connects when asked", "[unit][tunnel]")
{
  TunnelFsm fsm{RetryPolicy{}, kSeed};
  CHECK(in_state<Idle>(fsm));
  CHECK_FALSE(fsm.next_deadline());
  const auto actions = fsm.on_event(ConnectRequested{}, kStart);
  REQUIRE(are<StartLink>(actions));
  CHECK(std::get<StartLink>(actions[0]).id == kFirst);
  CHECK(state_as<Connecting>(fsm).attempt == 1);
  CHECK(fsm.next_deadline() == kStart + RetryPolicy{}.connect_timeout);
}

TEST_CASE("tunnel: brings the interface up once the link carries packets", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  const auto actions = fsm.on_event(LinkUp{kFirst}, kStart + 1s);
  REQUIRE(are<BringInterfaceUp>(actions));
  CHECK(std::get<BringInterfaceUp>(actions[0]).id == kFirst);
  CHECK(state_as<Online>(fsm).since == kStart + 1s);
  CHECK_FALSE(fsm.next_deadline());
}

TEST_CASE("tunnel: gives a try up at its deadline and drops its link", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  const auto deadline = *fsm.next_deadline();
  CHECK(are<>(fsm.on_event(TimeAdvanced{}, deadline - 1ns)));
  CHECK(in_state<Connecting>(fsm));
  CHECK(are<DropLink>(fsm.on_event(TimeAdvanced{}, deadline)));
  const auto& state = state_as<Backoff>(fsm);
  CHECK(state.next_attempt == 2);
  CHECK(state.reason.code == make_error_code(Errc::timed_out));
}

TEST_CASE("tunnel: backs off with the reason and tries again", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  CHECK(state_as<Backoff>(fsm).reason.code == make_error_code(Errc::unreachable));
  CHECK(state_as<Backoff>(fsm).next_attempt == 2);
  const auto until = *fsm.next_deadline();
  CHECK(are<>(fsm.on_event(TimeAdvanced{}, until - 1ns)));
  const auto actions = fsm.on_event(TimeAdvanced{}, until);
  REQUIRE(are<StartLink>(actions));
  CHECK(std::get<StartLink>(actions[0]).id == kSecond);
  CHECK(state_as<Connecting>(fsm).attempt == 2);
}

TEST_CASE("tunnel: backoff doubles and stops at the cap", "[unit][tunnel]")
{
  RetryPolicy policy;
  policy.first_backoff = 1s;
  policy.longest_backoff = 4s;
  TunnelFsm fsm{policy, kSeed};
  (void)fsm.on_event(ConnectRequested{}, kStart);

  Clock::time_point now = kStart;
  std::uint32_t tries = 0;
  for (const auto longest : {1s, 2s, 4s, 4s, 4s}) {
    (void)fsm.on_event(LinkLost{LinkId{++tries}, passing()}, now);
    const auto wait = *fsm.next_deadline() - now;
    CHECK(wait <= longest);
    CHECK(wait >= longest / 2);
    now = *fsm.next_deadline();
    CHECK(are<StartLink>(fsm.on_event(TimeAdvanced{}, now)));
  }
}

TEST_CASE("tunnel: backoff stays at the cap after very many tries", "[unit][tunnel]")
{
  TunnelFsm fsm{RetryPolicy{}, kSeed};
  (void)fsm.on_event(ConnectRequested{}, kStart);
  Clock::time_point now = kStart;
  for (std::uint32_t tries = 1; tries <= 1000; ++tries) {
    (void)fsm.on_event(LinkLost{LinkId{tries}, passing()}, now);
    REQUIRE(*fsm.next_deadline() - now <= RetryPolicy{}.longest_backoff);
    REQUIRE(*fsm.next_deadline() > now);
    now = *fsm.next_deadline();
    (void)fsm.on_event(TimeAdvanced{}, now);
  }
  CHECK(state_as<Connecting>(fsm).attempt == 1001);
}

TEST_CASE("tunnel: the jitter depends on the seed and nothing else", "[unit][tunnel]")
{
  const auto first_wait = [](std::uint64_t seed) {
    TunnelFsm fsm{RetryPolicy{}, seed};
    (void)fsm.on_event(ConnectRequested{}, kStart);
    (void)fsm.on_event(LinkLost{kFirst, passing()}, kStart);
    return *fsm.next_deadline();
  };
  CHECK(first_wait(1) == first_wait(1));
  CHECK(first_wait(1) != first_wait(2));
}

TEST_CASE("tunnel: a connect request ends the waiting", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  CHECK(are<StartLink>(fsm.on_event(ConnectRequested{}, kStart + 1ms)));
  CHECK(state_as<Connecting>(fsm).attempt == 2);
}

TEST_CASE("tunnel: a connect request changes nothing while there is one", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  CHECK(are<>(fsm.on_event(ConnectRequested{}, kStart)));
  CHECK(state_as<Connecting>(fsm).id == kFirst);
  fsm = online();
  CHECK(are<>(fsm.on_event(ConnectRequested{}, kStart)));
  CHECK(in_state<Online>(fsm));
}

TEST_CASE("tunnel: an error that retrying cannot cure ends it", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, final_one()}, kStart)));
  REQUIRE(state_as<Closed>(fsm).reason);
  CHECK(state_as<Closed>(fsm).reason->code == make_error_code(Errc::auth_rejected));
  CHECK_FALSE(fsm.next_deadline());
}

TEST_CASE("tunnel: an error that retrying cannot cure takes the interface down", "[unit][tunnel]")
{
  TunnelFsm fsm = online();
  CHECK(are<TakeInterfaceDown>(fsm.on_event(LinkLost{kFirst, final_one()}, kStart)));
  CHECK(state_as<Closed>(fsm).reason);
}

TEST_CASE("tunnel: starts again from closed", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  (void)fsm.on_event(LinkLost{kFirst, final_one()}, kStart);
  const auto actions = fsm.on_event(ConnectRequested{}, kStart);
  REQUIRE(are<StartLink>(actions));
  CHECK(std::get<StartLink>(actions[0]).id == kSecond);
  CHECK(state_as<Connecting>(fsm).attempt == 1);
}

TEST_CASE("tunnel: the interface stays up while it reconnects", "[unit][tunnel]")
{
  TunnelFsm fsm = online();
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, passing()}, kStart + 1h)));
  CHECK(state_as<Backoff>(fsm).interface == Interface::up);
  CHECK(are<StartLink>(fsm.on_event(TimeAdvanced{}, *fsm.next_deadline())));
  CHECK(state_as<Connecting>(fsm).interface == Interface::up);
  CHECK(are<>(fsm.on_event(LinkLost{kSecond, passing()}, kStart + 2h)));
  CHECK(state_as<Backoff>(fsm).interface == Interface::up);
  CHECK(are<StartLink>(fsm.on_event(ConnectRequested{}, kStart + 2h)));
  CHECK(are<BringInterfaceUp>(fsm.on_event(LinkUp{LinkId{3}}, kStart + 2h)));
}

TEST_CASE("tunnel: the interface goes down when reconnecting fails for good", "[unit][tunnel]")
{
  TunnelFsm fsm = online();
  (void)fsm.on_event(LinkLost{kFirst, passing()}, kStart);
  (void)fsm.on_event(TimeAdvanced{}, *fsm.next_deadline());
  CHECK(are<TakeInterfaceDown>(fsm.on_event(LinkLost{kSecond, final_one()}, kStart + 5s)));
  CHECK(in_state<Closed>(fsm));
}

TEST_CASE("tunnel: a connection that lasted starts a new series of tries", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  (void)fsm.on_event(TimeAdvanced{}, *fsm.next_deadline());
  (void)fsm.on_event(LinkUp{kSecond}, kStart + 2s);
  (void)fsm.on_event(LinkLost{kSecond, passing()}, kStart + 2s + RetryPolicy{}.stable_after);
  CHECK(state_as<Backoff>(fsm).next_attempt == 1);
}

TEST_CASE("tunnel: a connection that did not last continues the series", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  (void)fsm.on_event(TimeAdvanced{}, *fsm.next_deadline());
  (void)fsm.on_event(LinkUp{kSecond}, kStart + 2s);
  (void)fsm.on_event(LinkLost{kSecond, passing()}, kStart + 2s + RetryPolicy{}.stable_after - 1ns);
  CHECK(state_as<Backoff>(fsm).next_attempt == 3);
}

TEST_CASE("tunnel: ignores a late answer to an earlier try", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  (void)fsm.on_event(TimeAdvanced{}, *fsm.next_deadline());
  REQUIRE(in_state<Connecting>(fsm));  // the second try

  CHECK(are<>(fsm.on_event(LinkUp{kFirst}, kStart + 5s)));
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, final_one()}, kStart + 5s)));
  CHECK(state_as<Connecting>(fsm).id == kSecond);

  (void)fsm.on_event(LinkUp{kSecond}, kStart + 5s);
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, passing()}, kStart + 5s)));
  CHECK(in_state<Online>(fsm));
}

TEST_CASE("tunnel: a stop takes the interface down and tells the peer", "[unit][tunnel]")
{
  TunnelFsm fsm = online();
  const auto actions = fsm.on_event(StopRequested{}, kStart);
  REQUIRE(are<TakeInterfaceDown, StartDrain>(actions));
  CHECK(std::get<StartDrain>(actions[1]).id == kFirst);
  CHECK(fsm.next_deadline() == kStart + 2s);
  CHECK(are<>(fsm.on_event(DrainDone{kFirst}, kStart + 1s)));
  CHECK_FALSE(state_as<Closed>(fsm).reason);
}

TEST_CASE("tunnel: a stop before the first connection has no interface to take down",
          "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  CHECK(are<StartDrain>(fsm.on_event(StopRequested{}, kStart)));
  CHECK(in_state<Closing>(fsm));
}

TEST_CASE("tunnel: a stop while reconnecting takes the interface down", "[unit][tunnel]")
{
  TunnelFsm fsm = online();
  (void)fsm.on_event(LinkLost{kFirst, passing()}, kStart);
  TunnelFsm again = fsm;
  CHECK(are<TakeInterfaceDown>(fsm.on_event(StopRequested{}, kStart)));
  CHECK(in_state<Closed>(fsm));

  (void)again.on_event(ConnectRequested{}, kStart);
  CHECK(are<TakeInterfaceDown, StartDrain>(again.on_event(StopRequested{}, kStart)));
}

TEST_CASE("tunnel: a drain that does not end is cut off", "[unit][tunnel]")
{
  TunnelFsm fsm = online();
  (void)fsm.on_event(StopRequested{}, kStart);
  CHECK(are<>(fsm.on_event(TimeAdvanced{}, kStart + 2s - 1ns)));
  CHECK(are<DropLink>(fsm.on_event(TimeAdvanced{}, kStart + 2s)));
  CHECK(in_state<Closed>(fsm));
}

TEST_CASE("tunnel: a second stop does not wait", "[unit][tunnel]")
{
  TunnelFsm fsm = online();
  (void)fsm.on_event(StopRequested{}, kStart);
  CHECK(are<DropLink>(fsm.on_event(StopRequested{}, kStart)));
  CHECK(in_state<Closed>(fsm));
}

TEST_CASE("tunnel: a link that dies while closing is closed", "[unit][tunnel]")
{
  TunnelFsm fsm = online();
  (void)fsm.on_event(StopRequested{}, kStart);
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, passing()}, kStart)));
  CHECK_FALSE(state_as<Closed>(fsm).reason);
}

TEST_CASE("tunnel: the answer to an earlier drain does not end this one", "[unit][tunnel]")
{
  TunnelFsm fsm = online();
  (void)fsm.on_event(StopRequested{}, kStart);
  (void)fsm.on_event(StopRequested{}, kStart);
  (void)fsm.on_event(ConnectRequested{}, kStart);
  (void)fsm.on_event(StopRequested{}, kStart);
  CHECK(are<>(fsm.on_event(DrainDone{kFirst}, kStart)));
  CHECK(in_state<Closing>(fsm));
  (void)fsm.on_event(DrainDone{kSecond}, kStart);
  CHECK(in_state<Closed>(fsm));
}

}  // namespace slopn
