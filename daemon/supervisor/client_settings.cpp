// What the client's supervisor makes of the user's settings.

#include <spdlog/logger.h>

#include "daemon/supervisor/client_supervisor.hpp"

namespace slopn::daemon {

Result<SettingsReport> ClientSupervisor::settings() const
{
  return settings_.report();
}

config::SettingsResult<SettingsChange> ClientSupervisor::update_settings(
    const std::vector<config::SettingText>& changes, const Caller&)
{
  const config::Settings before = settings_.current();
  if (auto updated = settings_.update(changes); !updated) return updated.error();
  return put_settings_in_force(before);
}

Result<std::string> ClientSupervisor::export_settings() const
{
  return settings_.text();
}

config::SettingsResult<SettingsChange> ClientSupervisor::import_settings(const std::string& text,
                                                                         const Caller&)
{
  const config::Settings before = settings_.current();
  if (auto replaced = settings_.replace(text); !replaced) return replaced.error();
  return put_settings_in_force(before);
}

SettingsChange ClientSupervisor::put_settings_in_force(const config::Settings& before)
{
  SettingsChange change;
  change.settings = settings_.current();
  if (!profile_in_use().empty())
    change.takes_effect_later = config::changed_for_later(before, change.settings);
  if (auto changed = update_lockdown(); !changed)
    log_->error("network: {}", changed.error().message());
  refresh_routes();
  return change;
}

// Either is enough.
bool ClientSupervisor::wants_lockdown() const noexcept
{
  return settings_.current().lockdown || config_.client.lockdown;
}

// The settings win over what the administrator's file says. Settings that cannot be read say
// nothing, and then nothing connects.
void ClientSupervisor::connect_on_start()
{
  if (!settings_.problem().empty()) return;
  const std::string& wanted = settings_.current().auto_connect;
  if (wanted.empty() && !config_.client.connect_on_start) return;
  if (auto begun = connect(ConnectOrder{ByName{wanted}}, Caller{}); !begun)
    log_->error("tunnel: cannot connect on start: {}", begun.error().message());
}

// By what the links of this host are now: they come and go.
RoutePlan ClientSupervisor::current_plan() const
{
  const config::Settings& wishes = settings_.current();
  RouteWishes route{.advertised = routed_->routes,
                    .profile_routes = profile_->routes,
                    .include = wishes.split_include,
                    .exclude = wishes.split_exclude,
                    .lan = {}};
  if (wishes.lan_access) {
    if (const auto networks = platform::local_networks())
      route.lan = private_networks(*networks, interface_name_);
    else
      log_->warn("network: no LAN access: {}", networks.error().message());
  }
  return plan_routes(route);
}

void ClientSupervisor::refresh_routes()
{
  if (interface_name_.empty() || !routed_) return;
  RoutePlan plan = current_plan();
  if (plan == plan_) return;
  auto applied = apply_routes(std::move(plan));
  if (applied) return tell_watchers();
  if (!link_id_) return log_->error("network: {}", applied.error().message());
  const tunnel::LinkId id = *link_id_;
  drop_link();
  handle(tunnel::LinkLost{id, std::move(applied.error())});
}

}  // namespace slopn::daemon
