// What slopnctl prints with --json, held against docs/schemas.

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <set>
#include <sstream>

#include "cli/exit_code.hpp"
#include "cli/format/json.hpp"
#include "tests/unit/cli/control_samples.hpp"
#include "tests/unit/cli/json_schema.hpp"
#include "tests/unit/cli/run_slopnctl.hpp"
#include "tests/unit/cli/status_samples.hpp"

namespace {

using namespace slopn;
using nlohmann::json;
using test::FakeControl;
using test::full_answers;
using test::schema_errors;
using test::slopnctl;
namespace v1 = slopn::control::v1;

using Errors = std::vector<std::string>;

template <class Message>
Errors errors_of(const Message& message, const std::string& schema)
{
  return schema_errors(json::parse(cli::to_json(message).dump()), schema);
}

}  // namespace

TEST_CASE("schemas: the validator sees what is wrong", "[unit][cli]")
{
  const auto good = json::parse(R"({"level": "debug", "before": "info"})");
  CHECK(schema_errors(good, "log-level.json").empty());
  const auto has_error = [&](const char* text, const std::string& what) {
    const auto errors = schema_errors(json::parse(text), "log-level.json");
    return std::find(errors.begin(), errors.end(), what) != errors.end();
  };
  CHECK(has_error(R"({"level": "debug"})", "/: lacks before"));
  CHECK(has_error(R"({"level": "debug", "before": 1})", "/before: is no string"));
  CHECK(has_error(R"({"level": "loud", "before": "info"})",
                  "/level: is none of the values: \"loud\""));
  CHECK(has_error(R"({"level": "debug", "before": "info", "x": 1})", "/x: is not described"));
  CHECK_FALSE(
      schema_errors(json::parse(R"({"role": "client", "state": "connected"})"), "status.json")
          .empty());
}

TEST_CASE("schemas: every state of both roles", "[unit][cli]")
{
  for (const auto& status :
       {test::disconnected_sample(), test::refused_sample(), test::connecting_sample(),
        test::connected_sample(), test::reconnecting_sample(), test::disconnecting_sample(),
        test::gateway_sample(), v1::Status{}}) {
    CHECK(errors_of(status, "status.json") == Errors{});
    v1::WatchStatusResponse change;
    *change.mutable_status() = status;
    CHECK(errors_of(change, "status-change.json") == Errors{});
  }
  v1::Status status;
  status.mutable_client();
  CHECK(errors_of(status, "status.json") == Errors{});
  auto& failed = *status.mutable_client()->mutable_failed();
  failed.mutable_error()->set_system_category("system");
  failed.mutable_error()->set_system_code(1);
  CHECK(errors_of(status, "status.json") == Errors{});
}

TEST_CASE("schemas: every reason and every class of error", "[unit][cli]")
{
  for (int reason = 0; reason <= 30; ++reason) {
    v1::Status status;
    auto& error = *status.mutable_client()->mutable_failed()->mutable_error();
    error.set_reason(static_cast<v1::ErrorReason>(reason));
    error.set_class_(static_cast<v1::ErrorClass>(reason % 9));
    CHECK(errors_of(status, "status.json") == Errors{});
    CHECK(errors_of(cli::to_failure(error), "error.json") == Errors{});
  }
}

TEST_CASE("schemas: every kind of event", "[unit][cli]")
{
  for (const auto& item : test::events_of_every_kind()) {
    CHECK(errors_of(item, "event.json") == Errors{});
  }
}

TEST_CASE("schemas: what the program prints, verb by verb", "[unit][cli]")
{
  const FakeControl daemon{full_answers()};
  const test::TemporaryDir dir{0755};
  const auto path = [&](const char* name) { return (dir.path() / name).string(); };
  struct Case {
    std::vector<std::string> words;
    std::string schema;
  };
  const std::vector<Case> cases{
      {{"status"}, "status.json"},
      {{"connect"}, "status.json"},
      {{"connect", "--no-wait"}, "connect-no-wait.json"},
      {{"confirm"}, "connect-no-wait.json"},
      {{"disconnect", "--no-wait"}, "disconnect-no-wait.json"},
      {{"profile", "list"}, "profile-list.json"},
      {{"profile", "show", "home"}, "profile.json"},
      {{"profile", "import", "slopn://x"}, "profile.json"},
      {{"profile", "remove", "home"}, "profile-removed.json"},
      {{"settings", "list"}, "settings.json"},
      {{"settings", "get"}, "settings.json"},
      {{"settings", "get", "lockdown"}, "setting.json"},
      {{"settings", "set", "lockdown=true"}, "settings-changed.json"},
      {{"settings", "export"}, "settings-exported.json"},
      {{"settings", "export", path("s.toml")}, "settings-exported.json"},
      {{"settings", "import", path("s.toml")}, "settings-imported.json"},
      {{"log-level", "debug"}, "log-level.json"},
      {{"whoami"}, "whoami.json"},
      {{"doctor"}, "doctor.json"},
      {{"bundle", "-o", path("b.tar.gz")}, "bundle.json"},
      {{"version"}, "version.json"},
      {{"keygen", "-o", path("client.key")}, "keygen.json"},
      {{"connect", "nobody"}, "error.json"},
      {{"conect"}, "error.json"},
      {{"bundle", "-o", "-"}, "error.json"},
  };
  for (const auto& one : cases) {
    auto words = one.words;
    words.emplace_back("--json");
    const auto end = slopnctl(daemon, words);
    CAPTURE(words, end.out);
    CHECK(end.err.empty());
    REQUIRE(json::accept(end.out));
    CHECK(schema_errors(json::parse(end.out), one.schema) == Errors{});
  }
}

TEST_CASE("schemas: streams print one document a line", "[unit][cli]")
{
  const FakeControl daemon{full_answers()};
  const auto check = [&](std::vector<std::string> words, const std::string& schema) {
    words.emplace_back("--json");
    std::istringstream lines{slopnctl(daemon, words).out};
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      CAPTURE(line);
      REQUIRE(json::accept(line));
      CHECK(schema_errors(json::parse(line), schema) == Errors{});
    }
    return count;
  };
  CHECK(check({"events", "--no-follow"}, "event.json") == 10);
  CHECK(check({"logs"}, "log-line.json") == 2);
}

TEST_CASE("schemas: of a gateway, of measurements, without a daemon", "[unit][cli]")
{
  v1::Session session = test::session_sample();
  const json list{{"sessions", json::array({json::parse(cli::to_json(session).dump())})}};
  CHECK(schema_errors(list, "session-list.json") == Errors{});
  const auto alone = json::parse(slopnctl({"--socket", "/nonexistent/x", "version", "--json"}).out);
  CHECK(schema_errors(alone, "version.json") == Errors{});
  const auto ill = json::parse(slopnctl({"--socket", "/nonexistent/x", "doctor", "--json"}).out);
  CHECK(schema_errors(ill, "doctor.json") == Errors{});
}

TEST_CASE("schemas: docs/slopnctl.md names every one", "[unit][cli]")
{
  const auto text = test::content_of(SLOPN_SCHEMAS_DIR "/../slopnctl.md");
  for (const auto& entry : std::filesystem::directory_iterator{SLOPN_SCHEMAS_DIR}) {
    const auto name = entry.path().filename().string();
    CAPTURE(name);
    CHECK(text.find("(schemas/" + name + ")") != std::string::npos);
  }
}
