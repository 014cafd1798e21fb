#include <utility>

#include "daemon/control/access.hpp"
#include "daemon/control/error_status.hpp"
#include "daemon/control/services.hpp"

namespace slopn::control {
namespace {

// Enough for every connection to have some calls open; more means that something loops.
constexpr std::size_t kOpenCalls = 1024;

}  // namespace

Backend::Backend(ControlOptions chosen, ControlParts parts, asio::any_io_executor executor)
    : options(std::move(chosen)),
      control(std::move(executor)),
      calls({kOpenCalls, options.limits.streams_per_user, options.limits.streams}),
      commands(parts.commands),
      events(parts.events),
      log(std::move(parts.log)),
      audit(*log, events),
      watchers(commands),
      logs(std::make_shared<LogHub>(std::move(parts.log_ring), control)),
      grants(with_group(options.grants, options.group))
{
  events.on_status(commands.status());
  status_changes = commands.on_status_change([this] { events.on_status(commands.status()); });
}

void Backend::change_grants(std::vector<daemon::Grant> changed)
{
  grants = with_group(std::move(changed), options.group);
  ++grants_version;
  user_names.forget();
  v1::ErrorDetail detail;
  detail.set_message("who may do what was changed");
  detail.set_remedy("connect again");
  calls.end_streams(
      [this](const ServedUser& user) {
        return user.grants_version != grants_version && !is_always_admin(user.uid);
      },
      to_status(grpc::StatusCode::UNAVAILABLE, detail));
}

void Backend::stop()
{
  stopped = true;
  status_changes.reset();
  watchers.clear();
  events.clear();
  logs->clear();
  calls.end_all();
}

}  // namespace slopn::control
