#include "daemon/config/command_line.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/catch_result.hpp"

using namespace slopn;
using namespace slopn::config;
using Catch::Matchers::ContainsSubstring;

namespace {

Result<CommandLine> parse(std::vector<std::string_view> arguments, Environment environment = {})
{
  return parse_command_line(arguments, std::move(environment));
}

}  // namespace

TEST_CASE("command line: nothing means the file in /etc, if there is one", "[unit][config]")
{
  const auto line = parse({});
  REQUIRE(line);
  CHECK(line->task == Task::run);
  CHECK(line->order.file == kDefaultConfigPath);
  CHECK(line->order.file_need == FileNeed::optional);
}

TEST_CASE("command line: --config wins over SLOPN_CONFIG", "[unit][config]")
{
  const Environment environment{{"SLOPN_CONFIG", "/a"}};
  CHECK(parse({}, environment)->order.file == "/a");
  const auto line = parse({"--config", "/b"}, environment);
  REQUIRE(line);
  CHECK(line->order.file == "/b");
  CHECK(line->order.file_need == FileNeed::required);
}

TEST_CASE("command line: values follow a space or an equals sign", "[unit][config]")
{
  const auto line = parse({"--set", "gateway.listen=0.0.0.0:1,[::]:2", "--set=role=gateway",
                           "--log-level=debug", "--socket", "/x", "--state-dir", "/y"});
  REQUIRE(line);
  const auto& overrides = line->order.overrides;
  REQUIRE(overrides.size() == 5);
  CHECK(overrides[0].value == "0.0.0.0:1,[::]:2");
  CHECK(overrides[1].key == "role");
  CHECK(overrides[2].origin == "--log-level");
  const auto config = load({{}, FileNeed::optional, {}, overrides});
  REQUIRE(config);
  CHECK(config->role == Role::gateway);
  CHECK(config->gateway.listen.size() == 2);
  CHECK(config->control.socket == "/x");
  CHECK(config->state_dir == "/y");
}

TEST_CASE("command line: asks for help, version and a check", "[unit][config]")
{
  CHECK(parse({"--help"})->task == Task::show_help);
  CHECK(parse({"-h"})->task == Task::show_help);
  CHECK(parse({"--version"})->task == Task::show_version);
  CHECK(parse({"--check", "--config", "/x"})->task == Task::check);
}

TEST_CASE("command line: mistakes are told", "[unit][config]")
{
  struct Example {
    std::vector<std::string_view> arguments;
    std::string_view complaint;
  };
  const auto example = GENERATE(
      Example{{"--confg", "x"}, "did you mean --config?"},
      Example{{"--config"}, "--config wants FILE"}, Example{{"--config="}, "--config wants FILE"},
      Example{{"--set", "role"}, "--set wants KEY=VALUE"},
      Example{{"--version=1"}, "--version takes no value"},
      Example{{"gateway"}, "unknown argument \"gateway\""}, Example{{""}, "unknown argument"});
  const auto line = parse(example.arguments);
  REQUIRE_FALSE(line);
  CHECK(line.error().code == Errc::invalid_argument);
  CHECK_THAT(line.error().context, ContainsSubstring(std::string{example.complaint}));
}

TEST_CASE("command line: the help names every key", "[unit][config]")
{
  const auto text = help_text();
  for (const auto& key : keys()) {
    CAPTURE(key.name);
    CHECK_THAT(text, ContainsSubstring(key.name));
  }
}
