// Documents of events, log lines, settings, findings and callers.

#include "cli/format/json_parts.hpp"
#include "cli/format/values.hpp"

namespace slopn::cli {
namespace {

void add(Json& out, const v1::Event::StateChanged& change)
{
  v1::Status status;
  *status.mutable_client() = change.status();
  out["from"] = change.from();
  out["status"] = to_json(status);
}

void add(Json& out, const v1::Event::Audited& call)
{
  out["uid"] = call.uid();
  out["pid"] = call.pid();
  out["method"] = call.method();
  out["detail"] = call.detail();
  out["result"] = call.result();
}

void add(Json& out, const v1::Event::SessionChanged& session)
{
  out["id"] = session.id();
  out["client"] = session.client();
  out["ended"] = session.ended();
  out["reason"] = session.reason();
}

/// Sets "kind" and what that kind holds.
void add_kind(Json& out, const v1::Event& event)
{
  switch (event.kind_case()) {
    case v1::Event::kStateChanged:
      out["kind"] = "state_changed";
      return add(out, event.state_changed());
    case v1::Event::kNetworkChanged:
      out["kind"] = "network_changed";
      out["description"] = event.network_changed().description();
      out["usable"] = event.network_changed().usable();
      return;
    case v1::Event::kPathChanged:
      out["kind"] = "path_changed";
      out["local"] = event.path_changed().local();
      out["remote"] = event.path_changed().remote();
      return;
    case v1::Event::kClockJumped:
      out["kind"] = "clock_jumped";
      out["jump_ms"] = event.clock_jumped().milliseconds();
      out["suspended"] = event.clock_jumped().suspended();
      return;
    case v1::Event::kAudited:
      out["kind"] = "audited";
      return add(out, event.audited());
    case v1::Event::kProfileChanged:
      out["kind"] = "profile_changed";
      out["name"] = event.profile_changed().name();
      out["removed"] = event.profile_changed().removed();
      return;
    case v1::Event::kSettingsChanged:
      out["kind"] = "settings_changed";
      out["keys"] = list(event.settings_changed().keys());
      return;
    case v1::Event::kSessionChanged:
      out["kind"] = "session_changed";
      return add(out, event.session_changed());
    case v1::Event::KIND_NOT_SET:
      break;
  }
  out["kind"] = "unknown";
}

std::string dns_name(v1::Settings::Dns dns)
{
  switch (dns) {
    case v1::Settings::DNS_UNSPECIFIED:
      return {};
    case v1::Settings::DNS_GATEWAY:
      return "gateway";
    case v1::Settings::DNS_SYSTEM:
      return "system";
    case v1::Settings::DNS_CUSTOM:
      return "custom";
    default:  // protobuf's enums are open
      return "unknown";
  }
}

std::string protocol_name(v1::Settings::Protocol protocol)
{
  switch (protocol) {
    case v1::Settings::PROTOCOL_UNSPECIFIED:
      return {};
    case v1::Settings::PROTOCOL_AUTOMATIC:
      return "auto";
    case v1::Settings::PROTOCOL_CONNECT_IP:
      return "connect-ip";
    default:
      return "unknown";
  }
}

}  // namespace

std::string role_name(v1::Role role)
{
  switch (role) {
    case v1::ROLE_UNSPECIFIED:
      return "none";
    case v1::ROLE_READ:
      return "read";
    case v1::ROLE_OPERATE:
      return "operate";
    case v1::ROLE_ADMIN:
      return "admin";
    default:
      return "unknown";
  }
}

std::string level_name(v1::LogLevel level)
{
  switch (level) {
    case v1::LOG_LEVEL_DEBUG:
      return "debug";
    case v1::LOG_LEVEL_INFO:
      return "info";
    case v1::LOG_LEVEL_WARN:
      return "warn";
    case v1::LOG_LEVEL_ERROR:
      return "error";
    default:
      return "unknown";
  }
}

std::string verdict_name(v1::Finding::Verdict verdict)
{
  switch (verdict) {
    case v1::Finding::VERDICT_GOOD:
      return "good";
    case v1::Finding::VERDICT_NOTICE:
      return "notice";
    case v1::Finding::VERDICT_PROBLEM:
      return "problem";
    default:
      return "unknown";
  }
}

std::string phase_name(v1::ClientStatus::Connecting::Phase phase)
{
  switch (phase) {
    case v1::ClientStatus::Connecting::PHASE_UNSPECIFIED:
      return {};
    case v1::ClientStatus::Connecting::PHASE_RESOLVING:
      return "resolving";
    case v1::ClientStatus::Connecting::PHASE_HANDSHAKING:
      return "handshaking";
    case v1::ClientStatus::Connecting::PHASE_AUTHENTICATING:
      return "authenticating";
    case v1::ClientStatus::Connecting::PHASE_CONFIGURING:
      return "configuring";
    default:
      return "unknown";
  }
}

Json to_json(const v1::GetCallerResponse& caller)
{
  return {{"uid", caller.uid()}, {"user", caller.user()}, {"role", role_name(caller.role())}};
}

Json to_json(const v1::WatchEventsResponse& item)
{
  Json out = Json::object();
  if (!item.has_event()) {
    out["kind"] = "start";
    out["missed"] = item.missed();
    out["run_id"] = item.run_id();
    out["latest_sequence"] = item.latest_sequence();
    return out;
  }
  add_kind(out, item.event());
  out["sequence"] = item.event().sequence();
  out["time"] = utc_time(to_time(item.event().time()));
  out["missed"] = item.missed();
  return out;
}

Json to_json(const v1::WatchLogsResponse& line)
{
  return {{"time", utc_time(to_time(line.time()))},
          {"level", level_name(line.level())},
          {"message", line.message()},
          {"missed", line.missed()}};
}

Json to_json(const v1::Settings& settings)
{
  return {{"schema_version", settings.schema_version()},
          {"auto_connect", settings.auto_connect()},
          {"lockdown", settings.lockdown()},
          {"lan_access", settings.lan_access()},
          {"dns", dns_name(settings.dns())},
          {"dns_servers", list(settings.dns_servers())},
          {"mtu_bytes", settings.mtu_bytes()},
          {"protocol", protocol_name(settings.protocol())},
          {"split_exclude", list(settings.split_exclude())},
          {"split_include", list(settings.split_include())}};
}

Json to_json(const v1::GetSettingsResponse& response)
{
  Json entries = Json::object();
  for (const auto& entry : response.entries()) entries[entry.key()] = entry.value();
  return {{"settings", entries},
          {"values", to_json(response.settings())},
          {"problem", response.problem()}};
}

Json to_json(const v1::Finding& finding)
{
  return {{"check", finding.check()},
          {"verdict", verdict_name(finding.verdict())},
          {"summary", finding.summary()},
          {"detail", finding.detail()},
          {"fix", finding.fix()}};
}

}  // namespace slopn::cli
