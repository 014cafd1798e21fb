#include "daemon/control/messages.hpp"

#include <chrono>

#include "daemon/control/error_status.hpp"
#include "libtunnel/base/overloaded.hpp"

namespace slopn::control {
namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;
using std::chrono::seconds;

void fill(google::protobuf::Timestamp& message, daemon::WallClock::time_point time)
{
  const auto whole = std::chrono::floor<seconds>(time);
  message.set_seconds(whole.time_since_epoch().count());
  message.set_nanos(static_cast<std::int32_t>(duration_cast<nanoseconds>(time - whole).count()));
}

void fill(google::protobuf::Duration& message, std::chrono::microseconds duration)
{
  const auto whole = duration_cast<seconds>(duration);
  message.set_seconds(whole.count());
  message.set_nanos(
      static_cast<std::int32_t>(duration_cast<nanoseconds>(duration - whole).count()));
}

void fill(v1::Traffic& message, const daemon::Traffic& traffic)
{
  message.set_sent_packets(traffic.sent_packets);
  message.set_sent_bytes(traffic.sent_bytes);
  message.set_received_packets(traffic.received_packets);
  message.set_received_bytes(traffic.received_bytes);
  for (const auto& drop : traffic.drops) {
    auto& one = *message.add_drops();
    one.set_reason(drop.reason);
    one.set_packets(drop.packets);
  }
}

v1::ErrorClass to_message(daemon::ErrorClass kind)
{
  switch (kind) {
    case daemon::ErrorClass::network:
      return v1::ERROR_CLASS_NETWORK;
    case daemon::ErrorClass::authentication:
      return v1::ERROR_CLASS_AUTHENTICATION;
    case daemon::ErrorClass::configuration:
      return v1::ERROR_CLASS_CONFIGURATION;
    case daemon::ErrorClass::system:
      return v1::ERROR_CLASS_SYSTEM;
    case daemon::ErrorClass::protocol:
      return v1::ERROR_CLASS_PROTOCOL;
    case daemon::ErrorClass::internal:
      return v1::ERROR_CLASS_INTERNAL;
  }
  return v1::ERROR_CLASS_UNSPECIFIED;
}

v1::ErrorDetail to_message(const daemon::Problem& problem)
{
  v1::ErrorDetail detail = to_detail(problem.error, problem.remedy);
  detail.set_class_(to_message(problem.kind));
  return detail;
}

v1::ClientStatus::Connecting::Phase to_message(tunnel::Phase phase)
{
  switch (phase) {
    case tunnel::Phase::resolving:
      return v1::ClientStatus::Connecting::PHASE_RESOLVING;
    case tunnel::Phase::handshaking:
      return v1::ClientStatus::Connecting::PHASE_HANDSHAKING;
    case tunnel::Phase::authenticating:
      return v1::ClientStatus::Connecting::PHASE_AUTHENTICATING;
    case tunnel::Phase::configuring:
      return v1::ClientStatus::Connecting::PHASE_CONFIGURING;
  }
  return v1::ClientStatus::Connecting::PHASE_UNSPECIFIED;
}

void fill(v1::ClientStatus::Connected& message, const daemon::Connected& state)
{
  message.set_profile(state.profile);
  fill(*message.mutable_since(), state.since);
  message.set_gateway(state.gateway);
  message.set_remote(state.remote.to_string());
  message.set_interface_name(state.interface_name);
  message.set_mtu_bytes(state.mtu_bytes);
  for (const auto& address : state.addresses) message.add_addresses(address.to_string());
  for (const auto& route : state.routes) message.add_routes(route.to_string());
  message.set_cipher(state.cipher);
  message.set_key_exchange_group(state.key_exchange_group);
  message.set_authentication(state.authentication);
  for (const auto& endpoint : state.measurement_endpoints)
    message.add_measurement_endpoints(endpoint.to_string());
  message.set_protocol("connect-ip over http/3");
  if (state.last_heard) fill(*message.mutable_last_heard(), *state.last_heard);
  if (state.confirm_until) fill(*message.mutable_confirm_until(), *state.confirm_until);
}

void fill(v1::ClientStatus& message, const daemon::ClientStatus& status)
{
  std::visit(Overloaded{
                 [&](const daemon::Disconnected& state) {
                   auto& out = *message.mutable_disconnected();
                   if (state.reason) *out.mutable_reason() = to_message(*state.reason);
                   out.set_locked(state.locked);
                 },
                 [&](const daemon::Connecting& state) {
                   auto& out = *message.mutable_connecting();
                   out.set_profile(state.profile);
                   out.set_attempt(state.attempt);
                   out.set_phase(to_message(state.phase));
                   out.set_gateway(state.gateway);
                 },
                 [&](const daemon::Connected& state) { fill(*message.mutable_connected(), state); },
                 [&](const daemon::Reconnecting& state) {
                   auto& out = *message.mutable_reconnecting();
                   out.set_profile(state.profile);
                   *out.mutable_reason() = to_message(state.reason);
                   out.set_next_attempt(state.next_attempt);
                   fill(*out.mutable_retry_at(), state.retry_at);
                 },
                 [&](const daemon::Disconnecting& state) {
                   message.mutable_disconnecting()->set_profile(state.profile);
                 },
                 [&](const daemon::Failed& state) {
                   auto& out = *message.mutable_failed();
                   out.set_profile(state.profile);
                   *out.mutable_error() = to_message(state.problem);
                 },
             },
             status.state);
  fill(*message.mutable_traffic(), status.traffic);
  if (status.smoothed_rtt) fill(*message.mutable_smoothed_rtt(), *status.smoothed_rtt);
  message.set_traffic_blocked(status.traffic_blocked);
}

void fill(v1::GatewayStatus& message, const daemon::GatewayStatus& status)
{
  for (const auto& endpoint : status.listening) message.add_listening(endpoint.to_string());
  message.set_interface_name(status.interface_name);
  message.set_mtu_bytes(status.mtu_bytes);
  message.set_certificate_pin(status.certificate_pin);
  for (const auto& pool : status.pools) message.add_pools(pool.to_string());
  message.set_sessions(status.sessions);
  message.set_anonymous_allowed(status.anonymous_allowed);
  fill(*message.mutable_traffic(), status.traffic);
}

}  // namespace

google::protobuf::Timestamp to_timestamp(daemon::WallClock::time_point time)
{
  google::protobuf::Timestamp message;
  fill(message, time);
  return message;
}

v1::Status to_message(const daemon::Status& status)
{
  v1::Status message;
  std::visit(
      Overloaded{
          [&](const daemon::ClientStatus& client) { fill(*message.mutable_client(), client); },
          [&](const daemon::GatewayStatus& gateway) { fill(*message.mutable_gateway(), gateway); },
      },
      status);
  return message;
}

v1::Profile to_message(const daemon::ProfileSummary& profile)
{
  v1::Profile message;
  message.set_name(profile.name);
  message.set_gateway(profile.gateway);
  message.set_authentication(profile.authentication);
  message.set_client_key(profile.client_key);
  message.set_gateway_pin(profile.gateway_pin);
  for (const auto& gateway : profile.gateways) message.add_gateways(gateway);
  return message;
}

v1::Session to_message(const daemon::SessionInfo& session)
{
  v1::Session message;
  message.set_id(session.id);
  message.set_client(session.client);
  message.set_identity(session.identity);
  message.set_remote(session.remote.to_string());
  for (const auto& address : session.addresses) message.add_addresses(address.to_string());
  fill(*message.mutable_since(), session.since);
  fill(*message.mutable_smoothed_rtt(), session.smoothed_rtt);
  fill(*message.mutable_traffic(), session.traffic);
  return message;
}

}  // namespace slopn::control
