#include "cli/format/json.hpp"

#include "cli/format/json_parts.hpp"
#include "cli/format/values.hpp"

namespace slopn::cli {
namespace {

Json to_json(const v1::Traffic& traffic)
{
  Json drops = Json::object();
  for (const auto& drop : traffic.drops()) drops[drop.reason()] = drop.packets();
  return {{"sent_packets", traffic.sent_packets()},
          {"sent_bytes", traffic.sent_bytes()},
          {"received_packets", traffic.received_packets()},
          {"received_bytes", traffic.received_bytes()},
          {"drops", drops}};
}

Json to_json(const v1::ErrorDetail& detail)
{
  Json out{{"code", reason_name(detail.reason())},
           {"class", class_name(detail.class_())},
           {"message", detail.message()},
           {"remedy", detail.remedy()},
           {"field", detail.field()}};
  if (detail.reason() == v1::ERROR_REASON_UNSPECIFIED) {
    out["system_category"] = detail.system_category();
    out["system_code"] = detail.system_code();
  }
  return out;
}

Json time_or_null(bool present, const google::protobuf::Timestamp& time)
{
  return present ? Json(utc_time(to_time(time))) : Json(nullptr);
}

void add(Json& out, const v1::ClientStatus::Connected& state)
{
  out["state"] = "connected";
  out["profile"] = state.profile();
  out["since"] = utc_time(to_time(state.since()));
  out["gateway"] = state.gateway();
  out["remote"] = state.remote();
  out["interface_name"] = state.interface_name();
  out["mtu_bytes"] = state.mtu_bytes();
  out["addresses"] = list(state.addresses());
  out["routes"] = list(state.routes());
  out["cipher"] = state.cipher();
  out["key_exchange_group"] = state.key_exchange_group();
  out["authentication"] = state.authentication();
  out["measurement_endpoints"] = list(state.measurement_endpoints());
  out["protocol"] = state.protocol();
  out["last_heard"] = time_or_null(state.has_last_heard(), state.last_heard());
  out["confirm_until"] = time_or_null(state.has_confirm_until(), state.confirm_until());
}

void add(Json& out, const v1::ClientStatus& status)
{
  out["role"] = "client";
  switch (status.state_case()) {
    case v1::ClientStatus::kDisconnected:
      out["state"] = "disconnected";
      out["reason"] = status.disconnected().has_reason() ? to_json(status.disconnected().reason())
                                                         : Json(nullptr);
      out["locked"] = status.disconnected().locked();
      break;
    case v1::ClientStatus::kConnecting:
      out["state"] = "connecting";
      out["profile"] = status.connecting().profile();
      out["attempt"] = status.connecting().attempt();
      out["phase"] = phase_name(status.connecting().phase());
      out["gateway"] = status.connecting().gateway();
      break;
    case v1::ClientStatus::kConnected:
      add(out, status.connected());
      break;
    case v1::ClientStatus::kReconnecting:
      out["state"] = "reconnecting";
      out["profile"] = status.reconnecting().profile();
      out["reason"] = to_json(status.reconnecting().reason());
      out["next_attempt"] = status.reconnecting().next_attempt();
      out["retry_at"] = utc_time(to_time(status.reconnecting().retry_at()));
      break;
    case v1::ClientStatus::kDisconnecting:
      out["state"] = "disconnecting";
      out["profile"] = status.disconnecting().profile();
      break;
    case v1::ClientStatus::kFailed:
      out["state"] = "failed";
      out["profile"] = status.failed().profile();
      out["error"] = to_json(status.failed().error());
      break;
    case v1::ClientStatus::STATE_NOT_SET:
      out["state"] = "unknown";
      break;
  }
  out["traffic_blocked"] = status.traffic_blocked();
  out["rtt_us"] =
      status.has_smoothed_rtt() ? Json(to_duration(status.smoothed_rtt()).count()) : Json(nullptr);
  out["traffic"] = to_json(status.traffic());
}

void add(Json& out, const v1::GatewayStatus& status)
{
  out["role"] = "gateway";
  out["listening"] = list(status.listening());
  out["interface_name"] = status.interface_name();
  out["mtu_bytes"] = status.mtu_bytes();
  out["certificate_pin"] = status.certificate_pin();
  out["pools"] = list(status.pools());
  out["sessions"] = status.sessions();
  out["anonymous_allowed"] = status.anonymous_allowed();
  out["traffic"] = to_json(status.traffic());
}

}  // namespace

Json to_json(const v1::Status& status)
{
  Json out = Json::object();
  switch (status.role_case()) {
    case v1::Status::kClient:
      add(out, status.client());
      break;
    case v1::Status::kGateway:
      add(out, status.gateway());
      break;
    case v1::Status::ROLE_NOT_SET:
      out["role"] = "unknown";
      break;
  }
  return out;
}

Json to_json(const v1::WatchStatusResponse& change)
{
  Json out = to_json(change.status());
  out["missed"] = change.missed();
  return out;
}

Json to_json(const v1::Profile& profile)
{
  return {{"name", profile.name()},
          {"gateway", profile.gateway()},
          {"authentication", profile.authentication()},
          {"client_key", profile.client_key()},
          {"gateway_pin", profile.gateway_pin()},
          {"gateways", list(profile.gateways())}};
}

Json to_json(const v1::Session& session)
{
  return {{"id", session.id()},
          {"client", session.client()},
          {"identity", session.identity()},
          {"remote", session.remote()},
          {"addresses", list(session.addresses())},
          {"since", utc_time(to_time(session.since()))},
          {"rtt_us", to_duration(session.smoothed_rtt()).count()},
          {"traffic", to_json(session.traffic())}};
}

Json to_json(const v1::GetVersionResponse& version)
{
  Json libraries = Json::object();
  for (const auto& library : version.libraries()) libraries[library.name()] = library.version();
  return {
      {"version", version.version()}, {"api_level", version.api_level()}, {"libraries", libraries}};
}

Json to_json(const Failure& failure)
{
  return {{"error",
           {{"code", failure.reason},
            {"class", failure.error_class},
            {"message", failure.message},
            {"remedy", failure.remedy},
            {"field", failure.field},
            {"exit_code", static_cast<int>(failure.exit)}}}};
}

std::string to_text(const Json& document, Layout layout)
{
  return document.dump(layout == Layout::lines ? 2 : -1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace slopn::cli
