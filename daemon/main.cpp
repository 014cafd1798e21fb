#include <malloc.h>
#include <spdlog/logger.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <vector>

#include "daemon/config/command_line.hpp"
#include "daemon/control/access.hpp"
#include "daemon/control/control_server.hpp"
#include "daemon/log.hpp"
#include "daemon/service/service_reporter.hpp"
#include "daemon/supervisor/client_supervisor.hpp"
#include "daemon/supervisor/gateway_options.hpp"
#include "daemon/supervisor/gateway_supervisor.hpp"
#include "libtunnel/base/build_info.hpp"
#include "platform/service_notifier.hpp"

/// slopnd: builds every part and hands it over. What they do is in their own folders.
namespace slopn::daemon {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr auto kStopTimeout = std::chrono::milliseconds(2500);

control::VersionInfo version_info()
{
  const BuildInfo& build = build_info();
  return {std::string{build.version},
          {{std::string{build.tls_name}, std::string{build.tls_version}},
           {"ngtcp2", std::string{build.ngtcp2_version}},
           {"nghttp3", std::string{build.nghttp3_version}}}};
}

int show_version()
{
  const BuildInfo& build = build_info();
  std::cout << "slopnd " << build.version;
  if (!build.commit.empty()) std::cout << " (" << build.commit << ")";
  std::cout << "\n"
            << build.tls_name << " " << build.tls_version << ", ngtcp2 " << build.ngtcp2_version
            << ", nghttp3 " << build.nghttp3_version << "\n"
            << build.compiler << ", " << build.build_type << "\n";
  if (!build.dependencies.empty()) std::cout << "\n" << build.dependencies;
  return kExitOk;
}

Result<std::unique_ptr<Supervisor>> start_supervisor(asio::any_io_executor control,
                                                     const config::Config& config,
                                                     const std::shared_ptr<spdlog::logger>& log)
{
  if (config.role == config::Role::gateway) {
    auto gateway = GatewaySupervisor::start(std::move(control), config, log);
    if (!gateway) return gateway.error();
    return std::unique_ptr<Supervisor>{std::move(*gateway)};
  }
  auto client = ClientSupervisor::start(std::move(control), config, log);
  if (!client) return client.error();
  return std::unique_ptr<Supervisor>{std::move(*client)};
}

// What a running daemon is made of.
struct Parts {
  Supervisor& supervisor;
  control::ControlServer& server;
  ServiceReporter& service;
  spdlog::logger& log;
};

bool changes(const config::ConfigChange& change, std::string_view key)
{
  return std::ranges::find(change.live, key) != change.live.end();
}

// SIGHUP: takes over what can change while running, and names what cannot.
void reload(const config::LoadOrder& order, config::Config& running, const Parts& parts)
{
  spdlog::logger& log = parts.log;
  const auto loaded = config::load(order);
  if (!loaded)
    return log.error("config: not reloaded, everything stays as it is:\n{}",
                     loaded.error().message());
  const config::ConfigChange change = config::diff_live(running, *loaded);
  // Otherwise what somebody set by a call (SetLogLevel) stays.
  if (changes(change, "log.level")) set_level(log, loaded->log.level);
  for (const std::string& key : change.needs_restart)
    log.warn("config: {} takes effect with the next start", key);
  for (const std::string& key : change.live) log.info("config: {} changed", key);
  running = config::with_live_changes(std::move(running), *loaded);
  if (changes(change, "control.grants")) parts.server.change_grants(running.control.grants);
  parts.supervisor.change_config(running);
}

asio::awaitable<void> serve_signals(const config::LoadOrder& order, config::Config& config,
                                    Parts parts)
{
  asio::signal_set signals{co_await asio::this_coro::executor, SIGTERM, SIGINT, SIGHUP};
  for (;;) {
    const auto [ec, signal] = co_await signals.async_wait(with_ec);
    if (ec) co_return;
    if (signal == SIGHUP) {
      parts.service.reloading();
      reload(order, config, parts);
      parts.service.ready();
      continue;
    }
    parts.log.info("slopnd: stopping signal={}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
    co_return;
  }
}

// The last resort: what hangs is left to the next start, which cleans up.
asio::awaitable<void> give_up_in_time(std::shared_ptr<spdlog::logger> log)
{
  asio::signal_set impatience{co_await asio::this_coro::executor, SIGTERM, SIGINT};
  [[maybe_unused]] const auto [ec, signal] =
      co_await impatience.async_wait(asio::cancel_after(kStopTimeout, with_ec));
  log->error("slopnd: did not stop in time");
  std::_Exit(kExitFailure);
}

// A heap for each thread of the data path and one for the rest: gRPC's threads allocate little, one
// for each of them would cost more than it saves. To be called before there are threads.
void limit_heaps(const config::Config& config)
{
  const std::size_t workers =
      config.role == config::Role::gateway ? worker_count(config.gateway) : 1;
  ::mallopt(M_ARENA_MAX, static_cast<int>(1 + workers));
}

Result<control::UnixListener> open_listener(const config::ControlConfig& config)
{
  return control::UnixListener::open({.socket_path = config.socket,
                                      .group = config.group,
                                      .access = control::access_for(config.grants, config.group)});
}

int run(const config::CommandLine& command)
{
  auto config = config::load(command.order);
  if (!config) {
    std::cerr << config.error().context << "\n";
    return kExitUsage;
  }
  limit_heaps(*config);
  const auto notifier = platform::make_service_notifier();
  const auto log_ring = std::make_shared<control::LogRing>();
  const auto log = make_log(config->log, {log_ring});
  const auto give_up = [&](const Error& error) {
    log->error("slopnd: {}", error.message());
    return kExitFailure;
  };

  // First of all: a second daemon must find out before it touches anything.
  auto listener = open_listener(config->control);
  if (!listener) return give_up(listener.error());

  asio::io_context control{1};
  control::EventHub events;  // outlives all who publish
  auto supervisor = start_supervisor(control.get_executor(), *config, log);
  if (!supervisor) return give_up(supervisor.error());
  (*supervisor)->send_events_to(events);
  auto server = control::ControlServer::start(
      std::move(*listener),
      {.group = config->control.group, .grants = config->control.grants, .version = version_info()},
      {**supervisor, events, log_ring, log}, control.get_executor());
  if (!server) return give_up(server.error());
  log->info("slopnd: version={} role={} socket={}", build_info().version,
            config::to_string(config->role), config->control.socket.string());

  // From the control thread's own loop: whoever is told "ready" and calls is answered.
  ServiceReporter service{control.get_executor(), **supervisor, *notifier, *log};
  asio::post(control, [&] { service.ready(); });

  asio::co_spawn(control,
                 serve_signals(command.order, *config, {**supervisor, **server, service, *log}),
                 [&](std::exception_ptr bug) {
                   if (bug) std::terminate();
                   service.stopping();
                   (*server)->stop();
                   asio::co_spawn(control, give_up_in_time(log), [](std::exception_ptr) {});
                   asio::co_spawn(control, (*supervisor)->stop(), [&](std::exception_ptr failed) {
                     if (failed) std::terminate();
                     control.stop();
                   });
                 });
  control.run();
  log->info("slopnd: stopped");
  return kExitOk;
}

int main_with(std::span<const std::string_view> arguments)
{
  // What we make is for us alone; who may have more is given it explicitly.
  ::umask(0077);
  std::signal(SIGPIPE, SIG_IGN);
  const auto command = config::parse_command_line(arguments, config::slopn_environment());
  if (!command) {
    std::cerr << "slopnd: " << command.error().context << "\n";
    return kExitUsage;
  }
  switch (command->task) {
    case config::Task::show_help:
      std::cout << config::help_text();
      return kExitOk;
    case config::Task::show_version:
      return show_version();
    case config::Task::check: {
      const auto config = config::load(command->order);
      if (!config) std::cerr << config.error().context << "\n";
      return config ? kExitOk : kExitUsage;
    }
    case config::Task::run:
      return run(*command);
  }
  return kExitFailure;
}

}  // namespace
}  // namespace slopn::daemon

int main(int count, char** values)
{
  const std::vector<std::string_view> arguments(values + 1, values + count);
  return slopn::daemon::main_with(arguments);
}
