#include "daemon/service/service_reporter.hpp"

#include <spdlog/logger.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

#include "platform/fake/fake_service_notifier.hpp"
#include "tests/unit/control/fake_daemon.hpp"

namespace slopn::daemon {
namespace {

using namespace std::chrono_literals;
using Told = std::vector<std::string>;

template <class State>
Status client(State state)
{
  ClientStatus status;
  status.state = std::move(state);
  return status;
}

template <class State>
State with_profile(std::string name)
{
  State state{};
  state.profile = std::move(name);
  return state;
}

Status gateway(std::uint64_t sessions)
{
  GatewayStatus status;
  status.sessions = sessions;
  return status;
}

/// A reporter with fakes around it. Its watchdog is so short that turns come at once, and `turn`
/// runs exactly one of them.
struct Service {
  explicit Service(std::optional<std::chrono::microseconds> watchdog = 30us) : notifier(watchdog) {}

  void turn() { control.run_one(); }

  asio::io_context control;
  test::FakeCommands commands;
  platform::FakeServiceNotifier notifier;
  spdlog::logger log{"test"};
  ServiceReporter reporter{control.get_executor(), commands, notifier, log};
};

}  // namespace

TEST_CASE("service: says nothing before it is ready", "[unit][service]")
{
  Service service;
  service.control.poll();
  CHECK(service.notifier.take().empty());
  service.reporter.ready();
  CHECK(service.notifier.take() == Told{"READY=1\nSTATUS=Disconnected", "WATCHDOG=1"});
}

TEST_CASE("service: a sign of life in every turn in which the workers answer", "[unit][service]")
{
  Service service;
  service.reporter.ready();
  (void)service.notifier.take();
  service.turn();
  service.turn();
  CHECK(service.notifier.take() == Told{"WATCHDOG=1", "WATCHDOG=1"});
}

TEST_CASE("service: no sign of life while a worker does not answer", "[unit][service]")
{
  Service service;
  service.commands.answers_refresh = false;
  service.reporter.ready();
  (void)service.notifier.take();
  for (int turns = 0; turns < 5; ++turns) service.turn();
  CHECK(service.notifier.take().empty());
}

TEST_CASE("service: no sign of life that nobody waits for", "[unit][service]")
{
  Service service{std::nullopt};
  service.reporter.ready();
  CHECK(service.notifier.take() == Told{"READY=1\nSTATUS=Disconnected"});
}

TEST_CASE("service: the status line follows the state, and says each thing once", "[unit][service]")
{
  Service service{std::nullopt};
  service.reporter.ready();
  (void)service.notifier.take();
  service.commands.change(client(with_profile<Connecting>("home")));
  service.commands.change(client(with_profile<Connecting>("home")));
  service.commands.change(client(with_profile<Connected>("home")));
  CHECK(service.notifier.take() == Told{"STATUS=Connecting", "STATUS=Connected"});
}

TEST_CASE("service: the status line names no profile", "[unit][service]")
{
  CHECK(service_status_text(client(with_profile<Connecting>("192.0.2.1"))) == "Connecting");
}

TEST_CASE("service: a gateway tells how many sessions it has", "[unit][service]")
{
  CHECK(service_status_text(gateway(1)) == "Gateway with 1 session");
  CHECK(service_status_text(gateway(12)) == "Gateway with 12 sessions");
}

TEST_CASE("service: a reload begins with the time and ends with ready", "[unit][service]")
{
  Service service{std::nullopt};
  service.reporter.ready();
  (void)service.notifier.take();
  service.reporter.reloading();
  service.reporter.ready();
  const Told told = service.notifier.take();
  REQUIRE(told.size() == 2);
  CHECK(told[0].starts_with("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(told[1].starts_with("READY=1\n"));
}

TEST_CASE("service: after stopping nothing more is told", "[unit][service]")
{
  Service service;
  service.reporter.ready();
  (void)service.notifier.take();
  service.reporter.stopping();
  service.reporter.stopping();
  service.reporter.reloading();
  service.reporter.ready();
  service.control.poll();
  service.commands.change(client(with_profile<Connected>("home")));
  CHECK(service.notifier.take() == Told{"STOPPING=1\nSTATUS=Stopping"});
}

}  // namespace slopn::daemon
