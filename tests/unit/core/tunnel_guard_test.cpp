#include <catch2/catch_test_macros.hpp>

#include "tests/unit/core/tunnel_fsm_support.hpp"

// What becomes of the traffic that belongs into the tunnel: lockdown, failures, confirmation.

namespace slopn::test {
namespace {

using namespace std::chrono_literals;
using namespace tunnel;

TunnelFsm locked()
{
  TunnelFsm fsm{RetryPolicy{}, kSeed};
  CHECK(are<BlockTraffic>(fsm.on_event(LockdownChanged{true}, kStart)));
  return fsm;
}

TunnelFsm connecting_to_confirm(Clock::duration within)
{
  TunnelFsm fsm{RetryPolicy{}, kSeed};
  CHECK(are<StartLink>(fsm.on_event(ConnectRequested{within}, kStart)));
  return fsm;
}

}  // namespace

TEST_CASE("tunnel: traffic is open until the first connection", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  CHECK(fsm.guard() == Guard::open);
  CHECK_FALSE(fsm.traffic_blocked());
  come_up(fsm, kFirst);
  CHECK(fsm.guard() == Guard::tunnel);
  CHECK_FALSE(fsm.traffic_blocked());
}

TEST_CASE("tunnel: the interface stays up while it reconnects", "[unit][tunnel]")
{
  TunnelFsm fsm = connected();
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, passing()}, kStart + 1h)));
  CHECK(fsm.traffic_blocked());
  CHECK(are<StartLink>(fsm.on_event(TimeAdvanced{}, *fsm.next_deadline())));
  CHECK(fsm.traffic_blocked());
  CHECK(are<>(fsm.on_event(LinkLost{kSecond, passing()}, kStart + 2h)));
  CHECK(fsm.traffic_blocked());
  CHECK(are<StartLink>(fsm.on_event(ConnectRequested{}, kStart + 2h)));
  come_up(fsm, LinkId{3}, kStart + 2h);
  CHECK_FALSE(fsm.traffic_blocked());
}

TEST_CASE("tunnel: a refusal after a connection keeps traffic blocked", "[unit][tunnel]")
{
  TunnelFsm fsm = failed_behind_the_tunnel();
  CHECK(in_state<Failed>(fsm));
  CHECK(fsm.guard() == Guard::tunnel);
  CHECK(fsm.traffic_blocked());
  CHECK(are<OpenTraffic>(fsm.on_event(DisconnectRequested{}, kStart)));
  CHECK(in_state<Disconnected>(fsm));
  CHECK_FALSE(fsm.traffic_blocked());
}

TEST_CASE("tunnel: a refusal before the first connection leaves traffic open", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, final_one()}, kStart)));
  CHECK(in_state<Failed>(fsm));
  CHECK_FALSE(fsm.traffic_blocked());
}

TEST_CASE("tunnel: a connect from a failure stays blocked until it is through", "[unit][tunnel]")
{
  TunnelFsm fsm = failed_behind_the_tunnel();
  CHECK(are<StartLink>(fsm.on_event(ConnectRequested{}, kStart)));
  CHECK(fsm.traffic_blocked());
  CHECK(are<>(fsm.on_event(LinkLost{kSecond, final_one()}, kStart)));
  CHECK(in_state<Failed>(fsm));
  CHECK(fsm.traffic_blocked());
}

TEST_CASE("tunnel: an interface that cannot be made is put back to what was before",
          "[unit][tunnel]")
{
  const auto lose_the_interface = [](TunnelFsm& fsm, LinkId id) {
    CHECK(are<ConfigureInterface>(fsm.on_event(LinkUp{id}, kStart)));
    return fsm.on_event(LinkLost{id, fail(Errc::platform_denied, "test")}, kStart);
  };
  TunnelFsm fsm = connecting();
  CHECK(are<OpenTraffic>(lose_the_interface(fsm, kFirst)));
  CHECK_FALSE(fsm.traffic_blocked());

  fsm = locked();
  (void)fsm.on_event(ConnectRequested{}, kStart);
  CHECK(are<BlockTraffic>(lose_the_interface(fsm, kFirst)));
  CHECK(fsm.traffic_blocked());

  fsm = reconnecting();
  (void)fsm.on_event(ConnectRequested{}, kStart);
  CHECK(are<>(lose_the_interface(fsm, kSecond)));
  CHECK(fsm.guard() == Guard::tunnel);
  CHECK(fsm.traffic_blocked());
}

TEST_CASE("tunnel: lockdown blocks whenever there is no tunnel", "[unit][tunnel]")
{
  TunnelFsm fsm = locked();
  CHECK(fsm.traffic_blocked());
  CHECK(are<>(fsm.on_event(LockdownChanged{true}, kStart)));
  CHECK(are<StartLink>(fsm.on_event(ConnectRequested{}, kStart)));
  CHECK(fsm.traffic_blocked());
  come_up(fsm, kFirst);
  CHECK_FALSE(fsm.traffic_blocked());
  CHECK(are<BlockTraffic, StartDrain>(fsm.on_event(DisconnectRequested{}, kStart)));
  CHECK(fsm.traffic_blocked());
  CHECK(are<>(fsm.on_event(DrainDone{kFirst}, kStart)));
  CHECK(in_state<Disconnected>(fsm));
  CHECK(fsm.traffic_blocked());
}

TEST_CASE("tunnel: lockdown takes hold in any state", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting();
  CHECK(are<BlockTraffic>(fsm.on_event(LockdownChanged{true}, kStart)));
  CHECK(fsm.traffic_blocked());

  fsm = connected();
  CHECK(are<>(fsm.on_event(LockdownChanged{true}, kStart)));
  CHECK(fsm.guard() == Guard::tunnel);

  fsm = connecting();
  (void)fsm.on_event(LinkUp{kFirst}, kStart);
  CHECK(are<BlockTraffic, ConfigureInterface>(fsm.on_event(LockdownChanged{true}, kStart)));

  fsm = connected();
  (void)fsm.on_event(DisconnectRequested{}, kStart);
  CHECK(are<BlockTraffic>(fsm.on_event(LockdownChanged{true}, kStart)));
}

TEST_CASE("tunnel: the end of lockdown opens only what nobody wants tunnelled", "[unit][tunnel]")
{
  TunnelFsm fsm = locked();
  CHECK(are<OpenTraffic>(fsm.on_event(LockdownChanged{false}, kStart)));
  CHECK_FALSE(fsm.traffic_blocked());

  fsm = locked();
  (void)fsm.on_event(ConnectRequested{}, kStart);
  CHECK(are<>(fsm.on_event(LockdownChanged{false}, kStart)));
  CHECK(fsm.traffic_blocked());
  CHECK(are<>(fsm.on_event(LinkLost{kFirst, final_one()}, kStart)));
  CHECK(fsm.traffic_blocked());
  CHECK(are<>(fsm.on_event(LockdownChanged{false}, kStart)));
  CHECK(fsm.traffic_blocked());
  CHECK(are<OpenTraffic>(fsm.on_event(DisconnectRequested{}, kStart)));
  CHECK_FALSE(fsm.traffic_blocked());
}

TEST_CASE("tunnel: a failure under lockdown stays blocked after a disconnect", "[unit][tunnel]")
{
  TunnelFsm fsm = failed_behind_the_tunnel();
  CHECK(are<>(fsm.on_event(LockdownChanged{true}, kStart)));
  CHECK(are<BlockTraffic>(fsm.on_event(DisconnectRequested{}, kStart)));
  CHECK(fsm.traffic_blocked());
  CHECK(are<OpenTraffic>(fsm.on_event(LockdownChanged{false}, kStart)));
}

TEST_CASE("tunnel: a connection that nobody confirms is taken back", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting_to_confirm(30s);
  come_up(fsm, kFirst, kStart + 1s);
  CHECK(fsm.confirm_until() == kStart + 30s);
  CHECK(fsm.next_deadline() == kStart + 30s);
  CHECK(are<>(fsm.on_event(TimeAdvanced{}, kStart + 30s - 1ns)));
  CHECK(are<OpenTraffic, StartDrain>(fsm.on_event(TimeAdvanced{}, kStart + 30s)));
  CHECK(are<>(fsm.on_event(DrainDone{kFirst}, kStart + 30s)));
  REQUIRE(state_as<Disconnected>(fsm).reason);
  CHECK(state_as<Disconnected>(fsm).reason->code == make_error_code(Errc::timed_out));
  CHECK_FALSE(fsm.confirm_until());
  CHECK(are<StartLink>(fsm.on_event(ConnectRequested{}, kStart + 31s)));
  CHECK_FALSE(fsm.confirm_until());
}

TEST_CASE("tunnel: a connection that is confirmed stays", "[unit][tunnel]")
{
  for (const bool by_connect : {false, true}) {
    TunnelFsm fsm = connecting_to_confirm(30s);
    come_up(fsm, kFirst);
    const Event confirmation = by_connect ? Event{ConnectRequested{}} : ConnectionConfirmed{};
    CHECK(are<>(fsm.on_event(confirmation, kStart + 29s)));
    CHECK_FALSE(fsm.confirm_until());
    CHECK(are<>(fsm.on_event(TimeAdvanced{}, kStart + 1h)));
    CHECK(in_state<Connected>(fsm));
  }
}

TEST_CASE("tunnel: a second request with a time to confirm changes nothing", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting_to_confirm(30s);
  CHECK(are<>(fsm.on_event(ConnectRequested{1h}, kStart + 1s)));
  CHECK(fsm.confirm_until() == kStart + 30s);

  fsm = connected();
  CHECK(are<>(fsm.on_event(ConnectRequested{30s}, kStart)));
  CHECK_FALSE(fsm.confirm_until());
}

TEST_CASE("tunnel: the time to confirm runs on through losses and failures", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting_to_confirm(30s);
  come_up(fsm, kFirst);
  TunnelFsm other = fsm;
  (void)fsm.on_event(LinkLost{kFirst, passing()}, kStart + 29s);
  (void)fsm.on_event(NetworkChanged{false}, kStart + 29s);
  CHECK(fsm.next_deadline() == kStart + 30s);
  CHECK(are<OpenTraffic>(fsm.on_event(TimeAdvanced{}, kStart + 30s)));

  (void)other.on_event(LinkLost{kFirst, final_one()}, kStart + 29s);
  CHECK(in_state<Failed>(other));
  CHECK(other.traffic_blocked());
  CHECK(are<OpenTraffic>(other.on_event(TimeAdvanced{}, kStart + 30s)));
  CHECK(in_state<Disconnected>(other));
  CHECK_FALSE(other.traffic_blocked());
}

TEST_CASE("tunnel: a failure that changed nothing needs no taking back", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting_to_confirm(30s);
  (void)fsm.on_event(LinkLost{kFirst, final_one()}, kStart);
  CHECK(in_state<Failed>(fsm));
  CHECK_FALSE(fsm.next_deadline());
}

TEST_CASE("tunnel: what nobody confirms under lockdown goes back to blocked", "[unit][tunnel]")
{
  TunnelFsm fsm = locked();
  (void)fsm.on_event(ConnectRequested{30s}, kStart);
  come_up(fsm, kFirst);
  CHECK(are<BlockTraffic, StartDrain>(fsm.on_event(TimeAdvanced{}, kStart + 30s)));
  CHECK(fsm.traffic_blocked());
}

TEST_CASE("tunnel: a disconnect ends the wait for a confirmation", "[unit][tunnel]")
{
  TunnelFsm fsm = connecting_to_confirm(30s);
  (void)fsm.on_event(DisconnectRequested{}, kStart);
  CHECK_FALSE(fsm.confirm_until());
  (void)fsm.on_event(DrainDone{kFirst}, kStart);
  CHECK_FALSE(state_as<Disconnected>(fsm).reason);
}

}  // namespace slopn::test
