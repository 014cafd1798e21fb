#include "daemon/supervisor/client_status.hpp"

#include "daemon/supervisor/remedies.hpp"
#include "libtunnel/base/overloaded.hpp"

namespace slopn::daemon {
namespace {

Connected connected_state(const TunnelFsm& fsm, const ClientFacts& facts)
{
  Connected connected;
  connected.profile = facts.profile->name;
  connected.since = facts.connected_since;
  connected.authentication = config::method_name(facts.profile->auth);
  connected.interface_name = facts.interface_name;
  if (const auto until = fsm.confirm_until()) connected.confirm_until = to_wall(*until);
  if (facts.last_heard) connected.last_heard = to_wall(*facts.last_heard);
  if (facts.link == nullptr) return connected;
  const io::LinkFacts& link = *facts.link;
  connected.gateway = link.gateway_name;
  connected.remote = link.gateway;
  connected.mtu_bytes = static_cast<std::uint16_t>(link.parameters.mtu_bytes);
  connected.cipher = link.handshake.cipher;
  connected.key_exchange_group = link.handshake.key_exchange_group;
  for (const IpPrefix& address : link.parameters.addresses)
    connected.addresses.push_back({address.address(), address.length_bits()});
  if (facts.plan == nullptr) return connected;
  connected.routes = facts.plan->through_tunnel;
  connected.measurement_endpoints = endpoints_inside(link.parameters.features.measurement,
                                                     link.parameters.addresses, *facts.plan);
  return connected;
}

}  // namespace

WallClock::time_point to_wall(Clock::time_point instant)
{
  return WallClock::now() + std::chrono::duration_cast<WallClock::duration>(instant - Clock::now());
}

ClientState client_state(const TunnelFsm& fsm, const ClientFacts& facts)
{
  const std::string profile = facts.profile != nullptr ? facts.profile->name : std::string{};
  return std::visit(
      Overloaded{
          [&](const tunnel::Disconnected& state) -> ClientState {
            Disconnected disconnected{.reason = {}, .locked = fsm.lockdown()};
            if (state.reason) disconnected.reason = to_problem(*state.reason);
            return disconnected;
          },
          [&](const tunnel::Connecting& state) -> ClientState {
            return Connecting{profile, state.attempt, state.phase, facts.gateway};
          },
          [&](const tunnel::Connected&) -> ClientState { return connected_state(fsm, facts); },
          [&](const tunnel::Reconnecting& state) -> ClientState {
            return Reconnecting{profile, to_problem(state.reason), state.next_attempt,
                                to_wall(state.until)};
          },
          [&](const tunnel::Disconnecting&) -> ClientState { return Disconnecting{profile}; },
          [&](const tunnel::Failed& state) -> ClientState {
            return Failed{profile, to_problem(state.error)};
          },
      },
      fsm.state());
}

ShownState shown(const TunnelFsm& fsm, const std::string& gateway)
{
  ShownState now{.state = fsm.state().index(),
                 .gateway = gateway,
                 .locked = fsm.lockdown(),
                 .blocked = fsm.traffic_blocked(),
                 .confirm_until = fsm.confirm_until(),
                 .retry_at = {}};
  if (const auto* connecting = std::get_if<tunnel::Connecting>(&fsm.state())) {
    now.phase = connecting->phase;
    now.attempt = connecting->attempt;
  } else if (const auto* waiting = std::get_if<tunnel::Reconnecting>(&fsm.state())) {
    now.retry_at = waiting->until;
  }
  return now;
}

}  // namespace slopn::daemon
