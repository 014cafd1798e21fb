#include "daemon/control/messages.hpp"
#include "daemon/control/serve.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::control {
namespace {

v1::Settings::Dns to_message(config::DnsMode mode)
{
  switch (mode) {
    case config::DnsMode::gateway:
      return v1::Settings::DNS_GATEWAY;
    case config::DnsMode::system:
      return v1::Settings::DNS_SYSTEM;
    case config::DnsMode::custom:
      return v1::Settings::DNS_CUSTOM;
  }
  return v1::Settings::DNS_UNSPECIFIED;
}

v1::Settings::Protocol to_message(config::TunnelProtocol protocol)
{
  switch (protocol) {
    case config::TunnelProtocol::automatic:
      return v1::Settings::PROTOCOL_AUTOMATIC;
    case config::TunnelProtocol::connect_ip:
      return v1::Settings::PROTOCOL_CONNECT_IP;
  }
  return v1::Settings::PROTOCOL_UNSPECIFIED;
}

std::vector<config::SettingText> changes_in(const v1::UpdateSettingsRequest& request)
{
  std::vector<config::SettingText> changes;
  for (const auto& change : request.changes()) changes.push_back({change.key(), change.value()});
  return changes;
}

// The key is the field at fault: to whoever changes settings, keys are the request's fields.
grpc::Status refusal_status(const config::SettingsRefusal& refusal)
{
  if (refusal.key.empty()) return to_status(refusal);
  return to_status_for(refusal.key, refusal, "see what there is: slopnctl settings get");
}

}  // namespace

v1::Settings to_message(const config::Settings& settings)
{
  v1::Settings message;
  message.set_schema_version(config::kSettingsVersion);
  message.set_auto_connect(settings.auto_connect);
  message.set_lockdown(settings.lockdown);
  message.set_lan_access(settings.lan_access);
  message.set_dns(to_message(settings.dns));
  for (const auto& server : settings.dns_servers) message.add_dns_servers(server.to_string());
  message.set_mtu_bytes(settings.mtu_bytes);
  message.set_protocol(to_message(settings.protocol));
  for (const auto& one : settings.split_exclude) message.add_split_exclude(one.to_string());
  for (const auto& one : settings.split_include) message.add_split_include(one.to_string());
  return message;
}

grpc::ServerUnaryReactor* ControlService::GetSettings(Context* context,
                                                      const v1::GetSettingsRequest* request,
                                                      v1::GetSettingsResponse* response)
{
  return serve(backend_, *context, {.method = "GetSettings", .request = request, .user = user_},
               [response](daemon::Commands& commands, const daemon::Caller&) {
                 const auto report = commands.settings();
                 if (!report) return to_status(report.error());
                 *response->mutable_settings() = to_message(report->settings);
                 for (const auto& [key, value] : report->entries) {
                   auto& entry = *response->add_entries();
                   entry.set_key(key);
                   entry.set_value(value);
                 }
                 response->set_problem(printable(report->problem));
                 return grpc::Status::OK;
               });
}

grpc::ServerUnaryReactor* ControlService::UpdateSettings(Context* context,
                                                         const v1::UpdateSettingsRequest* request,
                                                         v1::UpdateSettingsResponse* response)
{
  return serve(backend_, *context, {.method = "UpdateSettings", .request = request, .user = user_},
               [request, response, backend = backend_](daemon::Commands& commands,
                                                       const daemon::Caller& caller) {
                 const auto changes = changes_in(*request);
                 const auto change = commands.update_settings(changes, caller);
                 if (!change) return refusal_status(change.error());
                 daemon::SettingsChanged changed;
                 for (const auto& [key, value] : changes) changed.keys.push_back(key);
                 backend->events.publish(std::move(changed));
                 *response->mutable_settings() = to_message(change->settings);
                 for (const auto& key : change->takes_effect_later)
                   response->add_takes_effect_later(key);
                 return grpc::Status::OK;
               });
}

grpc::ServerUnaryReactor* ControlService::ExportSettings(Context* context,
                                                         const v1::ExportSettingsRequest* request,
                                                         v1::ExportSettingsResponse* response)
{
  return serve(backend_, *context, {.method = "ExportSettings", .request = request, .user = user_},
               [response](daemon::Commands& commands, const daemon::Caller&) {
                 auto text = commands.export_settings();
                 if (!text) return to_status(text.error());
                 response->set_text(*std::move(text));
                 return grpc::Status::OK;
               });
}

grpc::ServerUnaryReactor* ControlService::ImportSettings(Context* context,
                                                         const v1::ImportSettingsRequest* request,
                                                         v1::ImportSettingsResponse* response)
{
  return serve(backend_, *context, {.method = "ImportSettings", .request = request, .user = user_},
               [request, response, backend = backend_](daemon::Commands& commands,
                                                       const daemon::Caller& caller) {
                 const auto change = commands.import_settings(request->text(), caller);
                 if (!change) return refusal_status(change.error());
                 backend->events.publish(daemon::SettingsChanged{});
                 *response->mutable_settings() = to_message(change->settings);
                 return grpc::Status::OK;
               });
}

}  // namespace slopn::control
