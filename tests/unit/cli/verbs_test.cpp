// The real slopnctl against an API that answers what a test wants, without a daemon behind it.

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/cli/control_samples.hpp"
#include "tests/unit/cli/json_schema.hpp"
#include "tests/unit/cli/run_slopnctl.hpp"
#include "tests/unit/cli/status_samples.hpp"

namespace {

using namespace slopn;
using nlohmann::json;
using test::content_of;
using test::FakeControl;
using test::full_answers;
using test::slopnctl;
namespace v1 = slopn::control::v1;

test::FakeAnswers with_status(v1::Status status)
{
  auto answers = full_answers();
  answers.statuses = {std::move(status)};
  return answers;
}

v1::Status failed_status()
{
  v1::Status status;
  auto& state = *status.mutable_client()->mutable_failed();
  state.set_profile("home");
  state.mutable_error()->set_message("the gateway does not know us");
  state.mutable_error()->set_remedy("ask for a new invitation");
  return status;
}

v1::Status to_confirm_status()
{
  auto status = test::connected_sample();
  status.mutable_client()->mutable_connected()->mutable_confirm_until()->set_seconds(test::kSince);
  return status;
}

bool contains(const std::string& text, const std::string& part)
{
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("slopnctl: status --check is silent, and its code tells the state", "[unit][cli]")
{
  const auto code_for = [](v1::Status status) {
    const FakeControl daemon{with_status(std::move(status))};
    const auto end = slopnctl(daemon, {"status", "--check", "--json"});
    CHECK(end.out.empty());
    CHECK(end.err.empty());
    return end.code;
  };
  const int while_connected = code_for(test::connected_sample());  // may skip: not inside CHECK
  CHECK(while_connected == 0);
  CHECK(code_for(test::gateway_sample()) == 0);
  CHECK(code_for(test::disconnected_sample()) == 5);
  CHECK(code_for(test::refused_sample()) == 5);
  CHECK(code_for(test::connecting_sample()) == 8);
  CHECK(code_for(test::reconnecting_sample()) == 8);
  CHECK(code_for(test::disconnecting_sample()) == 8);
  CHECK(code_for(failed_status()) == 9);
  CHECK(code_for({}) == 1);
  const auto alone = slopnctl({"--socket", "/nonexistent/x", "status", "--check"});
  CHECK(alone.code == 3);
  CHECK(alone.out.empty());
  CHECK(alone.err.empty());
}

TEST_CASE("slopnctl: answers status in under 20 ms", "[unit][cli]")
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  SKIP("sanitizers make everything slow");
#endif
  const FakeControl daemon{full_answers()};
  auto best = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 30; ++i) {  // the others were disturbed
    const auto before = std::chrono::steady_clock::now();
    REQUIRE(slopnctl(daemon, {"status", "--json"}).code == 0);
    best = std::min(best, std::chrono::steady_clock::now() - before);
  }
  CHECK(best < std::chrono::milliseconds{20});
}

TEST_CASE("slopnctl: connect --confirm says until when, and confirm keeps it", "[unit][cli]")
{
  const FakeControl daemon{with_status(to_confirm_status())};
  const auto end = slopnctl(daemon, {"connect", "office", "--confirm", "60"});
  CHECK(end.code == 0);
  CHECK(contains(end.out, "ends at 2025-11-21 12:03:12 unless you keep it: slopnctl confirm"));
  const auto kept = slopnctl(daemon, {"confirm"});
  CHECK(kept.code == 0);
  CHECK(kept.out == "the connection to home stays\n");
  CHECK(daemon.asked() ==
        std::vector<std::string>{"Connect office confirm=60", "ConfirmConnection"});
  CHECK(slopnctl(daemon, {"connect", "--confirm", "0"}).code == 2);
  CHECK(slopnctl(daemon, {"connect", "--confirm", "3601"}).code == 2);
}

TEST_CASE("slopnctl: connect ends when the daemon gives up", "[unit][cli]")
{
  const FakeControl daemon{with_status(failed_status())};
  const auto end = slopnctl(daemon, {"connect"});
  CHECK(end.code == 1);
  CHECK(end.err == "slopnctl: the gateway does not know us\n  ask for a new invitation\n");
}

TEST_CASE("slopnctl: a mistyped profile brings the one that was meant", "[unit][cli]")
{
  const FakeControl daemon{full_answers()};
  for (const std::vector<std::string>& command : {std::vector<std::string>{"connect", "offce"},
                                                  {"profile", "show", "offce"},
                                                  {"profile", "remove", "offce"}}) {
    const auto end = slopnctl(daemon, command);
    CHECK(end.code == 1);
    CHECK(contains(end.err, "did you mean 'office'?"));
  }
  CHECK_FALSE(contains(slopnctl(daemon, {"connect", "entirely-else"}).err, "did you mean"));
}

TEST_CASE("slopnctl: a profile shows all of its gateways", "[unit][cli]")
{
  const FakeControl daemon{full_answers()};
  const auto shown = slopnctl(daemon, {"profile", "show", "home"}).out;
  CHECK(contains(shown, "gateways        vpn.example.org:443, 203.0.113.9:443\n"));
  CHECK(contains(slopnctl(daemon, {"profile", "list"}).out, "203.0.113.9:443"));
}

TEST_CASE("slopnctl: events, one line each, with what was missed", "[unit][cli]")
{
  const FakeControl daemon{full_answers()};
  const auto end = slopnctl(daemon, {"events", "--since", "0", "--no-follow"});
  CHECK(end.code == 0);
  CHECK(contains(end.out, "2025-11-21 12:03:12  1  connected to home"));
  CHECK(contains(end.out, "  2  network: default route now by eth1 (no way to the gateway)\n"));
  CHECK(contains(end.out, "  3  path: now from 192.0.2.7:50000 to 192.0.2.1:443\n"));
  CHECK(contains(end.out, "  4  the clock was put back by 59 min 59 s\n"));
  CHECK(contains(end.out, "  5  uid 1000 (process 4711) called Connect profile=home: OK\n"));
  CHECK(contains(end.out, "  6  profile home removed\n"));
  CHECK(contains(end.out, "  7  settings changed: lockdown, split.exclude\n"));
  CHECK(contains(end.out, "  8  session 17 of laptop ended: idle\n"));
  CHECK(contains(end.out, "... 3 events missed\n"));
  CHECK(slopnctl(daemon, {"events", "--since", "17", "--run", "run-1", "--no-follow"}).code == 0);
  CHECK(daemon.asked() == std::vector<std::string>{"WatchEvents 0", "WatchEvents 17 of run-1"});
}

TEST_CASE("slopnctl: the log, filtered by the daemon", "[unit][cli]")
{
  const FakeControl daemon{full_answers()};
  const auto end = slopnctl(daemon, {"logs", "-n", "7", "--level", "warn", "--grep", "queue"});
  CHECK(end.code == 0);
  CHECK(contains(end.out, "2025-11-21 12:03:12  info   tunnel: state=connected profile=home\n"));
  CHECK(daemon.asked() == std::vector<std::string>{"WatchLogs level=3 backlog=7 contains=queue"});
  CHECK(slopnctl(daemon, {"logs", "--level", "loud"}).code == 2);
  CHECK(slopnctl(daemon, {"logs", "--grep", std::string(257, 'x')}).code == 2);
}

TEST_CASE("slopnctl: the level of the log is changed by name", "[unit][cli]")
{
  const FakeControl daemon{full_answers()};
  CHECK(slopnctl(daemon, {"log-level", "debug"}).out ==
        "slopnd logs from debug on; before: info\n");
  CHECK(daemon.asked() == std::vector<std::string>{"SetLogLevel 1"});
  CHECK(slopnctl(daemon, {"log-level"}).code == 2);
}

TEST_CASE("slopnctl: settings are listed, read, changed", "[unit][cli]")
{
  const FakeControl daemon{full_answers()};
  CHECK(contains(slopnctl(daemon, {"settings", "list"}).out, "split.exclude  192.0.2.0/24\n"));
  CHECK(slopnctl(daemon, {"settings", "get", "lockdown"}).out == "true\n");
  const auto changed = slopnctl(daemon, {"settings", "set", "lockdown=false", "dns.servers="});
  CHECK(changed.code == 0);
  CHECK(changed.out ==
        "lockdown = false\ndns.servers = (default)\nwith the next connection: mtu_bytes\n");
  CHECK(slopnctl(daemon, {"settings", "set", "lockdown", "true"}).code == 0);
  CHECK(daemon.asked() ==
        std::vector<std::string>{"UpdateSettings lockdown=false",
                                 "UpdateSettings dns.servers=", "UpdateSettings lockdown=true"});
  CHECK(slopnctl(daemon, {"settings", "set", "lockdown"}).code == 2);
  CHECK(slopnctl(daemon, {"settings", "set", "=x"}).code == 2);
}

TEST_CASE("slopnctl: a mistyped setting brings the one that was meant", "[unit][cli]")
{
  const FakeControl daemon{full_answers()};
  const auto read = slopnctl(daemon, {"settings", "get", "lokdown"});
  CHECK(read.code == 1);
  CHECK(read.err ==
        "slopnctl: there is no setting 'lokdown'\n"
        "  did you mean 'lockdown'? slopnctl settings list shows all\n");
  const auto written = slopnctl(daemon, {"settings", "set", "spilt.exclude", "10.0.0.0/8"});
  CHECK(written.code == 1);
  CHECK(contains(written.err, "did you mean 'split.exclude'?"));
}

TEST_CASE("slopnctl: settings go to a file and come from one", "[unit][cli]")
{
  const FakeControl daemon{full_answers()};
  const test::TemporaryDir dir{0755};
  const auto file = (dir.path() / "settings.toml").string();
  CHECK(slopnctl(daemon, {"settings", "export"}).out == "schema_version = 1\nlockdown = true\n");
  CHECK(slopnctl(daemon, {"settings", "export", file}).code == 0);
  CHECK(content_of(file) == "schema_version = 1\nlockdown = true\n");
  CHECK(slopnctl(daemon, {"settings", "import", file}).code == 0);
  CHECK(slopnctl(daemon, {"settings", "import"}, {.input = "lockdown = false\n"}).code == 0);
  CHECK(slopnctl(daemon, {"settings", "import", "/nonexistent"}).code == 1);
  CHECK(daemon.asked() ==
        std::vector<std::string>{"ImportSettings schema_version = 1\nlockdown = true\n",
                                 "ImportSettings lockdown = false"});
}

TEST_CASE("slopnctl: settings that cannot be read are a warning beside what holds", "[unit][cli]")
{
  auto answers = full_answers();
  answers.settings.set_problem("line 3: no such key");
  const FakeControl daemon{std::move(answers)};
  const auto end = slopnctl(daemon, {"settings", "list"});
  CHECK(end.code == 0);
  CHECK(contains(end.err, "traffic is blocked: line 3: no such key"));
}

TEST_CASE("slopnctl: whoami says what a role may do", "[unit][cli]")
{
  const FakeControl daemon{full_answers()};
  CHECK(slopnctl(daemon, {"whoami"}).out ==
        "alice (uid 1000): operate, may also connect and disconnect, read the log and end "
        "sessions\n");
}

TEST_CASE("slopnctl: doctor says what is wrong and what to do", "[unit][cli]")
{
  const FakeControl healthy{full_answers()};
  const auto end = slopnctl(healthy, {"doctor"});
  CHECK(end.code == 0);
  CHECK(contains(end.out, "notice     rp_filter: what about rp_filter\n"));
  CHECK(contains(end.out, "fix: sysctl -w net.ipv4.conf.all.rp_filter=2\n"));
  CHECK(end.out.ends_with("no problems found\n"));

  auto answers = full_answers();
  answers.findings.front().set_verdict(v1::Finding::VERDICT_PROBLEM);
  const FakeControl ill{std::move(answers)};
  CHECK(slopnctl(ill, {"doctor"}).code == 1);
}

TEST_CASE("slopnctl: doctor without a daemon says that first, and fails", "[unit][cli]")
{
  const test::TemporaryDir dir{0755};
  const auto socket = (dir.path() / "none").string();
  const auto people = slopnctl({"--socket", socket, "doctor"});
  CHECK(people.code == 3);
  CHECK(people.out.starts_with("PROBLEM    daemon: no slopnd answers at " + socket));
  const auto findings =
      json::parse(slopnctl({"--socket", socket, "doctor", "--json"}).out).at("findings");
  CHECK(findings.at(0)["check"] == "daemon");
  CHECK(findings.at(0)["fix"] == "is slopnd running? systemctl start slopnd");
  CHECK(findings.at(1)["check"] == "socket");
}

TEST_CASE("slopnctl: a call that a newer slopnctl makes is explained", "[unit][cli]")
{
  auto answers = full_answers();
  answers.refusal = {grpc::StatusCode::UNIMPLEMENTED, ""};
  const FakeControl daemon{std::move(answers)};
  for (const std::vector<std::string>& command : {std::vector<std::string>{"whoami"},
                                                  {"confirm"},
                                                  {"events"},
                                                  {"logs"},
                                                  {"settings", "list"}}) {
    const auto end = slopnctl(daemon, command);
    CHECK(end.code == 1);
    CHECK(contains(end.err, "this slopnd does not know that command"));
  }
}

TEST_CASE("slopnctl: what a daemon says cannot act on a terminal", "[unit][cli]")
{
  const std::string hostile =
      "x\x1b[2J\x07\r\n\xc2\x9b"
      "y\xe2\x80\xae";
  auto answers = full_answers();
  for (auto& line : answers.logs) line.set_message(hostile);
  for (auto& finding : answers.findings) finding.set_summary(hostile);
  for (auto& item : answers.events) {
    item.mutable_event()->mutable_network_changed()->set_description(hostile);
  }
  for (auto& entry : *answers.settings.mutable_entries()) entry.set_value(hostile);
  answers.settings.set_problem(hostile);
  answers.caller.set_user(hostile);
  const FakeControl daemon{std::move(answers)};
  for (const std::vector<std::string>& command : {std::vector<std::string>{"logs"},
                                                  {"doctor"},
                                                  {"events", "--no-follow"},
                                                  {"settings", "list"},
                                                  {"settings", "get", "lockdown"},
                                                  {"whoami"}}) {
    const auto end = slopnctl(daemon, command);
    for (const auto& text : {end.out, end.err}) {
      CHECK(std::none_of(text.begin(), text.end(),
                         [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == '\x7f'; }));
      CHECK_FALSE(contains(text, "\xc2\x9b"));
      CHECK_FALSE(contains(text, "\xe2\x80\xae"));
    }
  }
}

TEST_CASE("slopnctl: moves and colours on a terminal only", "[unit][cli]")
{
  const FakeControl daemon{full_answers()};
  const std::string socket = "--socket=" + daemon.socket_path().string();
  const auto coloured = test::slopnctl_on_terminal({socket, "connect"}, {"TERM=xterm"});
  CHECK(coloured.code == 0);
  CHECK(contains(coloured.out, "\r\x1b[K| connecting to home, try 3"));
  CHECK(contains(coloured.out, "\x1b[32mconnected\x1b[0m"));
  const auto plain = test::slopnctl_on_terminal({socket, "connect"}, {"TERM=xterm", "NO_COLOR=1"});
  CHECK_FALSE(contains(plain.out, "\x1b[32m"));
  CHECK(contains(plain.out, "\r\x1b[K"));
  const auto dumb = test::slopnctl_on_terminal({socket, "connect"}, {"TERM=dumb"});
  CHECK_FALSE(contains(dumb.out, "\x1b"));
  const auto piped = slopnctl(daemon, {"connect"}, {.variables = {"TERM=xterm"}});
  CHECK_FALSE(contains(piped.out + piped.err, "\x1b"));
  CHECK(piped.err.empty());
}
