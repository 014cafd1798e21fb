#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "daemon/control/event_hub.hpp"
#include "tests/unit/control/client.hpp"
#include "tests/unit/control/fake_daemon.hpp"

namespace {

using namespace slopn;
using namespace std::chrono_literals;
namespace v1 = slopn::control::v1;

constexpr uid_t kReader = 54'321;

daemon::Status connecting(std::uint32_t attempt)
{
  daemon::ClientStatus status;
  status.state = daemon::Connecting{"home", attempt};
  return status;
}

/// A WatchEvents call.
struct Watch {
  explicit Watch(test::Client& client, const v1::WatchEventsRequest& request = {})
      : reader(client.control->WatchEvents(&context, request))
  {
    CHECK(reader->Read(&first));
  }
  v1::WatchEventsResponse next()
  {
    v1::WatchEventsResponse response;
    CHECK(reader->Read(&response));
    return response;
  }

  test::Context context;
  std::unique_ptr<grpc::ClientReader<v1::WatchEventsResponse>> reader;
  v1::WatchEventsResponse first;
};

void publish(test::FakeDaemon& daemon, daemon::Event event)
{
  daemon.on_control([&](auto&) {
    daemon.events().publish(std::move(event));
    return 0;
  });
}

v1::WatchEventsRequest after(std::uint64_t sequence, const std::string& run_id = {})
{
  v1::WatchEventsRequest request;
  request.set_after_sequence(sequence);
  request.set_run_id(run_id);
  return request;
}

}  // namespace

TEST_CASE("events: the first answer says where the stream starts, at once", "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  Watch watch{client};
  CHECK_FALSE(watch.first.has_event());
  CHECK(watch.first.run_id().size() == 32);
  CHECK(watch.first.latest_sequence() == 0);
  publish(daemon, daemon::NetworkChanged{"default route now by eth1", true});
  const auto event = watch.next();
  CHECK(event.event().sequence() == 1);
  CHECK(event.event().network_changed().description() == "default route now by eth1");
  CHECK(event.event().network_changed().usable());
  CHECK(event.event().time().seconds() > 0);
  CHECK(event.missed() == 0);
  CHECK(event.run_id().empty());
}

TEST_CASE("events: every kind arrives as it was published", "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  Watch watch{client};
  publish(daemon, daemon::PathChanged{"10.0.0.2:4000", "192.0.2.1:443"});
  CHECK(watch.next().event().path_changed().remote() == "192.0.2.1:443");
  publish(daemon, daemon::ClockJumped{-90min, true});
  const auto jump = watch.next();
  CHECK(jump.event().clock_jumped().milliseconds() == -5'400'000);
  CHECK(jump.event().clock_jumped().suspended());
  publish(daemon, daemon::ProfileChanged{"home", true});
  CHECK(watch.next().event().profile_changed().removed());
  publish(daemon, daemon::SettingsChanged{{"dns", "lockdown"}});
  CHECK(watch.next().event().settings_changed().keys_size() == 2);
  publish(daemon, daemon::SessionChanged{7, "laptop", true, "peer closed\n\x1b[0m"});
  const auto session = watch.next();
  CHECK(session.event().session_changed().id() == 7);
  CHECK(session.event().session_changed().reason().find('\x1b') == std::string::npos);
}

TEST_CASE("events: a change of state says what was before", "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  Watch watch{client};
  daemon.on_control([](auto& fake) {
    fake.change(connecting(1));
    auto same = std::get<daemon::ClientStatus>(connecting(1));
    same.traffic.sent_packets = 7;  // counters alone are no change
    fake.change(same);
    fake.change(connecting(2));
    return 0;
  });
  const auto first = watch.next();
  CHECK(first.event().state_changed().from() == "disconnected");
  CHECK(first.event().state_changed().status().connecting().attempt() == 1);
  const auto second = watch.next();
  CHECK(second.event().sequence() == 2);
  CHECK(second.event().state_changed().from() == "connecting");
  CHECK(second.event().state_changed().status().connecting().attempt() == 2);
}

TEST_CASE("events: a reader that comes back goes on where it was", "[unit][control]")
{
  test::FakeDaemon daemon;
  for (int i = 1; i <= 5; ++i) publish(daemon, daemon::ProfileChanged{std::to_string(i), false});
  test::Client client{test::connect_socket(daemon.socket_path())};
  std::string run_id;
  {
    Watch all{client, after(0)};
    CHECK(all.first.latest_sequence() == 5);
    run_id = all.first.run_id();
    for (std::uint64_t i = 1; i <= 5; ++i) CHECK(all.next().event().sequence() == i);
  }
  Watch rest{client, after(3, run_id)};
  CHECK(rest.first.run_id() == run_id);
  const auto fourth = rest.next();
  CHECK(fourth.event().sequence() == 4);
  CHECK(fourth.missed() == 0);
  CHECK(rest.next().event().sequence() == 5);
  publish(daemon, daemon::ProfileChanged{"6", false});
  CHECK(rest.next().event().sequence() == 6);

  Watch of_another_run{client, after(3, "feedfeedfeedfeed")};
  CHECK(of_another_run.next().event().sequence() == 1);
  Watch from_the_future{client, after(1000)};
  CHECK(from_the_future.next().event().sequence() == 1);
  Watch only_new{client};
  publish(daemon, daemon::ProfileChanged{"7", false});
  CHECK(only_new.next().event().sequence() == 7);
}

TEST_CASE("events: what is forgotten already is counted", "[unit][control]")
{
  test::FakeDaemon daemon;
  constexpr std::uint64_t kEvents = 3000;  // more than are remembered
  daemon.on_control([&](auto&) {
    for (std::uint64_t i = 0; i < kEvents; ++i)
      daemon.events().publish(daemon::ProfileChanged{"p", false});
    return 0;
  });
  test::Client client{test::connect_socket(daemon.socket_path())};
  Watch watch{client, after(10)};
  CHECK(watch.first.latest_sequence() == kEvents);
  const auto oldest = watch.next();
  CHECK(oldest.event().sequence() == kEvents - 1024 + 1);
  CHECK(oldest.missed() == oldest.event().sequence() - 10 - 1);
  for (std::uint64_t next = oldest.event().sequence() + 1; next <= kEvents; ++next) {
    const auto event = watch.next();
    CHECK(event.event().sequence() == next);
    CHECK(event.missed() == 0);
  }
}

TEST_CASE("events: a slow reader's gaps in the numbers are exactly what it is told it missed",
          "[unit][control]")
{
  constexpr std::uint64_t kEvents = 20'000;
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  Watch watch{client};
  const std::string long_text(1000, 'x');  // 20 MB in all: more than any window on the way
  daemon.on_control([&](auto&) {
    for (std::uint64_t i = 0; i < kEvents; ++i)
      daemon.events().publish(daemon::NetworkChanged{long_text, true});
    return 0;
  });
  std::uint64_t last = 0;
  std::uint64_t missed = 0;
  while (last < kEvents) {
    const auto event = watch.next();
    REQUIRE(event.event().sequence() == last + event.missed() + 1);
    last = event.event().sequence();
    missed += event.missed();
  }
  CHECK(missed > 0);
}

TEST_CASE("events: audited calls are shown to admins; for others only their numbers are taken",
          "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  test::FakeDaemon daemon{
      {.group = "", .grants = {{.role = daemon::Role::operate, .uids = {kReader}}}}};
  test::Client admin{test::connect_socket(daemon.socket_path())};
  test::Client other{test::connect_socket_as({kReader, kReader}, daemon.socket_path())};
  Watch seen_by_admin{admin};
  Watch seen_by_other{other};

  test::Context context;
  v1::DisconnectResponse response;
  REQUIRE(other.control->Disconnect(&context, {}, &response).ok());

  // The state did not change, so this is the call itself.
  const auto audited = seen_by_admin.next();
  CHECK(audited.event().audited().uid() == kReader);
  CHECK(audited.event().audited().pid() == ::getpid());
  CHECK(audited.event().audited().method() == "Disconnect");
  CHECK(audited.event().audited().result() == "OK");
  const auto hidden = seen_by_other.next();
  CHECK(hidden.event().sequence() == audited.event().sequence());
  CHECK(hidden.event().kind_case() == v1::Event::KIND_NOT_SET);
  CHECK(hidden.missed() == 0);
}

TEST_CASE("events: importing and removing a profile is told", "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  Watch watch{client};
  v1::ImportProfileRequest import;
  import.set_name("office");
  import.set_text("slopn://x");
  {
    test::Context context;
    v1::ImportProfileResponse response;
    REQUIRE(client.control->ImportProfile(&context, import, &response).ok());
  }
  CHECK(watch.next().event().profile_changed().name() == "office");
  const auto audited = watch.next();
  CHECK(audited.event().audited().method() == "ImportProfile");
  CHECK(audited.event().audited().detail() == "name=office");
  test::Context context;
  v1::RemoveProfileRequest remove;
  remove.set_name("office");
  v1::RemoveProfileResponse response;
  REQUIRE(client.control->RemoveProfile(&context, remove, &response).ok());
  CHECK(watch.next().event().profile_changed().removed());
}
