// What the client's supervisor does with the settings.

#include <spdlog/logger.h>

#include "daemon/supervisor/client_supervisor.hpp"

namespace slopn::daemon {

// The settings win over what the administrator's file says. Settings that cannot be read say
// nothing, and then nothing connects.
void ClientSupervisor::connect_on_start()
{
  if (!settings_.problem().empty()) return;
  const std::string& wanted = settings_.current().auto_connect;
  if (wanted.empty() && !config_.client.connect_on_start) return;
  if (auto begun = connect({ByName{wanted}}, Caller{}); !begun)
    log_->error("tunnel: cannot connect on start: {}", begun.error().message());
}

// ---- Calls ----------------------------------------------------------------------------------

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

// ---- Their effects --------------------------------------------------------------------------

config::SettingsResult<SettingsChange> ClientSupervisor::put_settings_in_force(
    const config::Settings& before)
{
  SettingsChange change;
  change.settings = settings_.current();
  if (!profile_in_use().empty())
    change.takes_effect_later = config::changed_for_later(before, change.settings);
  auto done = update_lockdown();
  if (done) done = refresh_routes();
  if (done) return change;
  return config::SettingsRefusal{
      std::move(done.error()).within("the settings are stored, but not in force"), {}};
}

// Either is enough.
bool ClientSupervisor::wants_lockdown() const noexcept
{
  return settings_.current().lockdown || config_.client.lockdown;
}

// Private networks on the links as they are now: they come and go.
std::vector<IpPrefix> ClientSupervisor::reachable_lan() const
{
  if (!settings_.current().lan_access) return {};
  const auto networks = platform::local_networks();
  if (networks) return private_networks(*networks, interface_name_);
  log_->warn("network: no LAN access: {}", networks.error().message());
  return {};
}

RoutePlan ClientSupervisor::plan_now() const
{
  const config::Settings& wishes = settings_.current();
  return plan_routes({.advertised = routed_->routes,
                      .profile_routes = profile_->routes,
                      .include = wishes.split_include,
                      .exclude = wishes.split_exclude,
                      .lan = reachable_lan()});
}

Result<> ClientSupervisor::apply_plan(RoutePlan plan)
{
  auto applied = network_.tunnel(client_network(config_.client, interface_name_, *routed_, plan));
  if (applied) plan_ = std::move(plan);
  return applied;
}

Result<> ClientSupervisor::refresh_routes()
{
  if (network_.guard() == tunnel::Guard::blocked) return block_traffic();
  if (interface_name_.empty() || !routed_) return {};
  RoutePlan plan = plan_now();
  if (plan == plan_) return {};
  if (auto applied = apply_plan(std::move(plan)); !applied) return applied;
  tell_watchers();
  return {};
}

}  // namespace slopn::daemon
