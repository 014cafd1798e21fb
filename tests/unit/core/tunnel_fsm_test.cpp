#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/unit/core/tunnel_fsm_support.hpp"

// Connecting, trying again, disconnecting. What becomes of traffic meanwhile: tunnel_guard_test.cpp.

namespace slopn::test {
namespace {

using namespace std::chrono_literals;
using namespace tunnel;

}  // namespace

TEST_CASE("tunnel: connects when asked", "[unit][tunnel]")
{
  TunnelFsm fsm{RetryPolicy{}, kSeed};
  CHECK(in_state<Disconnected>(fsm));
  CHECK_FALSE(fsm.next_deadline());
  const auto actions = fsm.on_event(ConnectRequested{}, kStart);
  REQUIRE(are<StartLink>(actions));
  CHECK(std::get<StartLink>(actions[0]).id == kFirst);
  CHECK(state_as<Connecting>(fsm).attempt == 1);
  CHECK(fsm.next_deadline() == kStart + RetryPolicy{}.connect_timeout);
}

TEST_CASE("tunnel: gives a try up at its deadline and drops its link", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  const auto deadline = *fsm.next_deadline();
  CHECK(are<>(fsm.on_event(TimeAdvanced{}, deadline - 1ns)));
  CHECK(in_state<Connecting>(fsm));
  CHECK(are<DropLink>(fsm.on_event(TimeAdvanced{}, deadline)));
  const auto& state = state_as<Reconnecting>(fsm);
  CHECK(state.next_attempt == 2);
  CHECK(state.reason.code == make_error_code(Errc::timed_out));
}

TEST_CASE("tunnel: backs off with the reason and tries again", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  CHECK(state_as<Reconnecting>(fsm).reason.code == make_error_code(Errc::unreachable));
  CHECK(state_as<Reconnecting>(fsm).next_attempt == 2);
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
  fsm = connected();
  CHECK(are<>(fsm.on_event(ConnectRequested{}, kStart)));
  CHECK(in_state<Connected>(fsm));
}

TEST_CASE("tunnel: shows how far a try has come", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  CHECK(state_as<Connecting>(fsm).phase == Phase::resolving);
  for (const auto phase : {Phase::handshaking, Phase::authenticating, Phase::handshaking,
                           Phase::authenticating, Phase::configuring}) {
    CHECK(are<>(fsm.on_event(LinkProgressed{kFirst, phase}, kStart)));
    CHECK(state_as<Connecting>(fsm).phase == phase);
  }
  CHECK(are<>(fsm.on_event(LinkProgressed{kSecond, Phase::resolving}, kStart)));
  CHECK(state_as<Connecting>(fsm).phase == Phase::configuring);
}

TEST_CASE("tunnel: is connected when the interface is up, not before", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  CHECK(are<>(fsm.on_event(InterfaceUp{kFirst}, kStart)));
  const auto actions = fsm.on_event(LinkUp{kFirst}, kStart + 1s);
  REQUIRE(are<ConfigureInterface>(actions));
  CHECK(std::get<ConfigureInterface>(actions[0]).id == kFirst);
  CHECK(state_as<Connecting>(fsm).phase == Phase::configuring);
  CHECK(are<>(fsm.on_event(LinkUp{kFirst}, kStart + 1s)));
  CHECK(are<>(fsm.on_event(InterfaceUp{kFirst}, kStart + 2s)));
  CHECK(state_as<Connected>(fsm).since == kStart + 2s);
  CHECK_FALSE(fsm.next_deadline());
}

TEST_CASE("tunnel: an error that trying again cannot cure is shown until somebody acts",
          "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, final_one()}, kStart)));
  CHECK(state_as<Failed>(fsm).error.code == make_error_code(Errc::auth_rejected));
  CHECK_FALSE(fsm.next_deadline());
  TunnelFsm again = fsm;

  CHECK(are<>(fsm.on_event(DisconnectRequested{}, kStart)));
  CHECK_FALSE(state_as<Disconnected>(fsm).reason);

  const auto actions = again.on_event(ConnectRequested{}, kStart);
  REQUIRE(are<StartLink>(actions));
  CHECK(std::get<StartLink>(actions[0]).id == kSecond);
  CHECK(state_as<Connecting>(again).attempt == 1);
}

TEST_CASE("tunnel: a connection that lasted starts a new series of tries", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  (void)fsm.on_event(TimeAdvanced{}, *fsm.next_deadline());
  come_up(fsm, kSecond, kStart + 2s);
  (void)fsm.on_event(LinkLost{kSecond, passing()}, kStart + 2s + RetryPolicy{}.stable_after);
  CHECK(state_as<Reconnecting>(fsm).next_attempt == 1);
}

TEST_CASE("tunnel: a connection that did not last continues the series", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  (void)fsm.on_event(TimeAdvanced{}, *fsm.next_deadline());
  come_up(fsm, kSecond, kStart + 2s);
  (void)fsm.on_event(LinkLost{kSecond, passing()}, kStart + 2s + RetryPolicy{}.stable_after - 1ns);
  CHECK(state_as<Reconnecting>(fsm).next_attempt == 3);
}

TEST_CASE("tunnel: ignores a late answer to an earlier try", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  (void)fsm.on_event(TimeAdvanced{}, *fsm.next_deadline());
  REQUIRE(in_state<Connecting>(fsm));  // the second try

  CHECK(are<>(fsm.on_event(LinkUp{kFirst}, kStart + 5s)));
  CHECK(are<>(fsm.on_event(InterfaceUp{kFirst}, kStart + 5s)));
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, final_one()}, kStart + 5s)));
  CHECK(state_as<Connecting>(fsm).id == kSecond);

  come_up(fsm, kSecond, kStart + 5s);
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, passing()}, kStart + 5s)));
  CHECK(in_state<Connected>(fsm));
}

TEST_CASE("tunnel: a disconnect opens the way and tells the peer", "[unit][tunnel]")
{
  TunnelFsm fsm = connected();
  const auto actions = fsm.on_event(DisconnectRequested{}, kStart);
  REQUIRE(are<OpenTraffic, StartDrain>(actions));
  CHECK(std::get<StartDrain>(actions[1]).id == kFirst);
  CHECK(fsm.next_deadline() == kStart + 2s);
  CHECK(are<>(fsm.on_event(DrainDone{kFirst}, kStart + 1s)));
  CHECK_FALSE(state_as<Disconnected>(fsm).reason);
}

TEST_CASE("tunnel: a disconnect while connecting has nothing to open", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  CHECK(are<StartDrain>(fsm.on_event(DisconnectRequested{}, kStart)));
  CHECK(in_state<Disconnecting>(fsm));
}

TEST_CASE("tunnel: a disconnect while reconnecting opens the way", "[unit][tunnel]")
{
  TunnelFsm fsm = reconnecting();
  TunnelFsm again = fsm;
  CHECK(are<OpenTraffic>(fsm.on_event(DisconnectRequested{}, kStart)));
  CHECK(in_state<Disconnected>(fsm));

  (void)again.on_event(ConnectRequested{}, kStart);
  CHECK(are<OpenTraffic, StartDrain>(again.on_event(DisconnectRequested{}, kStart)));
}

TEST_CASE("tunnel: a disconnect with nothing to end is no change", "[unit][tunnel]")
{
  TunnelFsm fsm{RetryPolicy{}, kSeed};
  CHECK(are<>(fsm.on_event(DisconnectRequested{}, kStart)));
  CHECK(in_state<Disconnected>(fsm));
}

TEST_CASE("tunnel: a drain that does not end is cut off", "[unit][tunnel]")
{
  TunnelFsm fsm = connected();
  (void)fsm.on_event(DisconnectRequested{}, kStart);
  CHECK(are<>(fsm.on_event(TimeAdvanced{}, kStart + 2s - 1ns)));
  CHECK(are<DropLink>(fsm.on_event(TimeAdvanced{}, kStart + 2s)));
  CHECK(in_state<Disconnected>(fsm));
}

TEST_CASE("tunnel: a second disconnect does not wait", "[unit][tunnel]")
{
  TunnelFsm fsm = connected();
  (void)fsm.on_event(DisconnectRequested{}, kStart);
  CHECK(are<DropLink>(fsm.on_event(DisconnectRequested{}, kStart)));
  CHECK(in_state<Disconnected>(fsm));
}

TEST_CASE("tunnel: a connect cuts disconnecting short", "[unit][tunnel]")
{
  TunnelFsm fsm = connected();
  (void)fsm.on_event(DisconnectRequested{}, kStart);
  const auto actions = fsm.on_event(ConnectRequested{}, kStart);
  REQUIRE(are<DropLink, StartLink>(actions));
  CHECK(std::get<DropLink>(actions[0]).id == kFirst);
  CHECK(state_as<Connecting>(fsm).id == kSecond);
  CHECK(are<>(fsm.on_event(DrainDone{kFirst}, kStart)));
  CHECK(in_state<Connecting>(fsm));
}

TEST_CASE("tunnel: a link that dies while disconnecting is disconnected", "[unit][tunnel]")
{
  TunnelFsm fsm = connected();
  (void)fsm.on_event(DisconnectRequested{}, kStart);
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, final_one()}, kStart)));
  CHECK_FALSE(state_as<Disconnected>(fsm).reason);
}

TEST_CASE("tunnel: the answer to an earlier drain does not end this one", "[unit][tunnel]")
{
  TunnelFsm fsm = connected();
  (void)fsm.on_event(DisconnectRequested{}, kStart);
  (void)fsm.on_event(DisconnectRequested{}, kStart);
  (void)fsm.on_event(ConnectRequested{}, kStart);
  (void)fsm.on_event(DisconnectRequested{}, kStart);
  CHECK(are<>(fsm.on_event(DrainDone{kFirst}, kStart)));
  CHECK(in_state<Disconnecting>(fsm));
  (void)fsm.on_event(DrainDone{kSecond}, kStart);
  CHECK(in_state<Disconnected>(fsm));
}

TEST_CASE("tunnel: a network that is back ends the waiting", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  CHECK(are<StartLink>(fsm.on_event(NetworkChanged{true}, kStart + 200ms)));
  CHECK(state_as<Connecting>(fsm).attempt == 2);
}

TEST_CASE("tunnel: a network that flaps does not make it try without a pause", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  CHECK(are<>(fsm.on_event(NetworkChanged{true}, kStart + 1ms)));
  CHECK(fsm.next_deadline() == kStart + RetryPolicy{}.least_pause);
  CHECK(are<StartLink>(fsm.on_event(TimeAdvanced{}, kStart + RetryPolicy{}.least_pause)));
}

TEST_CASE("tunnel: without a network it gives the try up and does not count it", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  CHECK(are<DropLink>(fsm.on_event(NetworkChanged{false}, kStart + 1s)));
  CHECK(state_as<Reconnecting>(fsm).next_attempt == 1);
  CHECK(fsm.next_deadline() == kStart + 1s + RetryPolicy{}.longest_backoff);
  CHECK(are<>(fsm.on_event(NetworkChanged{false}, kStart + 2s)));
  CHECK(are<StartLink>(fsm.on_event(NetworkChanged{true}, kStart + 3s)));
  CHECK(state_as<Connecting>(fsm).attempt == 1);
}

TEST_CASE("tunnel: without a network it still tries now and then", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  (void)fsm.on_event(NetworkChanged{false}, kStart);
  for (std::uint32_t tries = 2; tries < 10; ++tries) {
    const auto now = *fsm.next_deadline();
    REQUIRE(are<StartLink>(fsm.on_event(TimeAdvanced{}, now)));
    CHECK(are<>(fsm.on_event(LinkLost{LinkId{tries}, passing()}, now)));
    CHECK(state_as<Reconnecting>(fsm).next_attempt == 1);
    CHECK(fsm.next_deadline() == now + RetryPolicy{}.longest_backoff);
  }
}

TEST_CASE("tunnel: somebody who asks is obeyed without a network", "[unit][tunnel]")
{
  TunnelFsm fsm{RetryPolicy{}, kSeed};
  (void)fsm.on_event(NetworkChanged{false}, kStart);
  CHECK(are<StartLink>(fsm.on_event(ConnectRequested{}, kStart)));
  CHECK(are<>(fsm.on_event(NetworkChanged{false}, kStart)));
  CHECK(in_state<Connecting>(fsm));
}

TEST_CASE("tunnel: a connection outlives the loss of the network", "[unit][tunnel]")
{
  TunnelFsm fsm = connected();
  CHECK(are<>(fsm.on_event(NetworkChanged{false}, kStart)));
  CHECK(in_state<Connected>(fsm));
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, passing()}, kStart + 1h)));
  CHECK(fsm.next_deadline() == kStart + 1h + RetryPolicy{}.longest_backoff);
  CHECK(are<StartLink>(fsm.on_event(NetworkChanged{true}, kStart + 2h)));
}

TEST_CASE("tunnel: does not try in its sleep, and at once afterwards", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  CHECK(are<DropLink>(fsm.on_event(Suspended{}, kStart)));
  CHECK(are<>(fsm.on_event(NetworkChanged{true}, kStart + 1s)));
  CHECK(are<StartLink>(fsm.on_event(Resumed{}, kStart + 1s)));
  CHECK(state_as<Connecting>(fsm).attempt == 1);
}

TEST_CASE("tunnel: waits for the network after a sleep", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  (void)fsm.on_event(Suspended{}, kStart);
  (void)fsm.on_event(NetworkChanged{false}, kStart);
  CHECK(are<>(fsm.on_event(Resumed{}, kStart + 1s)));
  CHECK(are<StartLink>(fsm.on_event(NetworkChanged{true}, kStart + 1s)));
}

TEST_CASE("tunnel: a sleep that never ends is not believed", "[unit][tunnel]")
{
  TunnelFsm fsm = backing_off();
  (void)fsm.on_event(Suspended{}, kStart);
  REQUIRE(fsm.next_deadline() == kStart + RetryPolicy{}.longest_backoff);
  CHECK(are<StartLink>(fsm.on_event(TimeAdvanced{}, *fsm.next_deadline())));
  (void)fsm.on_event(LinkLost{kSecond, passing()}, kStart + 100s);
  CHECK(state_as<Reconnecting>(fsm).next_attempt == 3);
}

}  // namespace slopn::test
