#pragma once

#include <catch2/catch_test_macros.hpp>

#include "libtunnel/core/tunnel_fsm.hpp"

/// What the tests of the tunnel's machine share.
namespace slopn::test {

// Time is an argument, so the tests own the clock and never sleep.
inline constexpr Clock::time_point kStart{};
inline constexpr tunnel::LinkId kFirst{1};
inline constexpr tunnel::LinkId kSecond{2};
inline constexpr std::uint64_t kSeed = 42;

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

/// Whether the actions are of these types, in this order.
template <class... Wanted>
bool are(const TunnelFsm::Actions& actions)
{
  if (actions.size() != sizeof...(Wanted)) return false;
  [[maybe_unused]] std::size_t at = 0;
  return (std::holds_alternative<Wanted>(actions[at++]) && ...);
}

inline Error passing(const char* what = "test")
{
  return fail(Errc::unreachable, what);
}
inline Error final_one()
{
  return fail(Errc::auth_rejected, "test");
}

inline TunnelFsm connecting()
{
  TunnelFsm fsm{RetryPolicy{}, kSeed};
  CHECK(are<tunnel::StartLink>(fsm.on_event(tunnel::ConnectRequested{}, kStart)));
  return fsm;
}

/// Takes a machine in Connecting, whose link is `id`, to Connected.
inline void come_up(TunnelFsm& fsm, tunnel::LinkId id, Clock::time_point now = kStart)
{
  CHECK(are<tunnel::ConfigureInterface>(fsm.on_event(tunnel::LinkUp{id}, now)));
  CHECK(are<>(fsm.on_event(tunnel::InterfaceUp{id}, now)));
}

inline TunnelFsm connected()
{
  TunnelFsm fsm = connecting();
  come_up(fsm, kFirst);
  return fsm;
}

/// After a first try that found nobody.
inline TunnelFsm backing_off()
{
  TunnelFsm fsm = connecting();
  CHECK(are<>(fsm.on_event(tunnel::LinkLost{kFirst, passing()}, kStart)));
  return fsm;
}

/// After a connection that had lasted.
inline TunnelFsm reconnecting()
{
  TunnelFsm fsm = connected();
  CHECK(are<>(fsm.on_event(tunnel::LinkLost{kFirst, passing()}, kStart + std::chrono::hours(1))));
  return fsm;
}

/// The gateway has refused us for good, after a connection.
inline TunnelFsm failed_behind_the_tunnel()
{
  TunnelFsm fsm = connected();
  CHECK(are<>(fsm.on_event(tunnel::LinkLost{kFirst, final_one()}, kStart)));
  return fsm;
}

}  // namespace slopn::test
