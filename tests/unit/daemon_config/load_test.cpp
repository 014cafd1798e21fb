#include "daemon/config/load.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <set>

#include "temp_dir.hpp"
#include "tests/support/catch_result.hpp"

using namespace slopn;
using namespace slopn::config;
using Catch::Matchers::ContainsSubstring;
using test::TempDir;

namespace {

LoadOrder only_environment(Environment environment)
{
  return {{}, FileNeed::optional, std::move(environment), {}};
}

LoadOrder only_overrides(std::vector<Override> overrides)
{
  return {{}, FileNeed::optional, {}, std::move(overrides)};
}

std::string complaints(const LoadOrder& order)
{
  const auto config = load(order);
  REQUIRE_FALSE(config);
  return config.error().context;
}

}  // namespace

TEST_CASE("load: flags win over variables, variables over the file", "[unit][config]")
{
  const TempDir dir;
  test::write(dir / "slopnd.toml",
              "[log]\nlevel = \"error\"\n[client]\nfwmark = 1\nmax_mtu_bytes = 1300\n");
  const auto config = load({dir / "slopnd.toml",
                            FileNeed::required,
                            {{"SLOPN_LOG_LEVEL", "warn"}, {"SLOPN_CLIENT_FWMARK", "0x2"}},
                            {{"log.level", "debug", "--log-level"}}});
  REQUIRE(config);
  CHECK(config->log.level == LogLevel::debug);
  CHECK(config->client.fwmark == 2);
  CHECK(config->client.max_mtu_bytes == 1300);
}

TEST_CASE("load: a variable holds a list with commas", "[unit][config]")
{
  const auto config = load(only_environment(
      {{"SLOPN_GATEWAY_LISTEN", "0.0.0.0:1, [::]:2 "}, {"SLOPN_GATEWAY_HOSTNAMES", ""}}));
  REQUIRE(config);
  REQUIRE(config->gateway.listen.size() == 2);
  CHECK(config->gateway.listen[1].port == 2);
  CHECK(config->gateway.hostnames.empty());
}

TEST_CASE("load: a variable replaces a list and does not add to it", "[unit][config]")
{
  const TempDir dir;
  test::write(dir / "slopnd.toml", "gateway.routes = [\"10.0.0.0/8\", \"fd00::/8\"]\n");
  const auto config = load(
      {dir / "slopnd.toml", FileNeed::required, {{"SLOPN_GATEWAY_ROUTES", "192.168.0.0/16"}}, {}});
  REQUIRE(config);
  REQUIRE(config->gateway.routes.size() == 1);
  CHECK(config->gateway.routes[0].to_string() == "192.168.0.0/16");
}

TEST_CASE("load: known clients fit into a variable", "[unit][config]")
{
  const auto config =
      load(only_environment({{"SLOPN_GATEWAY_AUTH_CLIENT",
                              "a=ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo,"
                              "b=sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}}));
  REQUIRE(config);
  REQUIRE(config->gateway.auth.clients.size() == 2);
  CHECK(std::holds_alternative<crypto::SpkiPin>(config->gateway.auth.clients[1].identity));
  CHECK_THAT(complaints(only_environment({{"SLOPN_GATEWAY_AUTH_CLIENT", "a"}})),
             ContainsSubstring("SLOPN_GATEWAY_AUTH_CLIENT: gateway.auth.client: expected a table"));
}

TEST_CASE("load: booleans and numbers in variables are strict", "[unit][config]")
{
  const auto value = GENERATE(as<std::string>{}, "", "yes", "1", "TRUE", "true x");
  CHECK_THAT(complaints(only_environment({{"SLOPN_GATEWAY_AUTH_ANONYMOUS", value}})),
             ContainsSubstring("expected true or false"));
  CHECK_THAT(complaints(only_environment({{"SLOPN_CLIENT_FWMARK", value + "q"}})),
             ContainsSubstring("expected integer"));
}

TEST_CASE("load: an unknown variable is told with the nearest name", "[unit][config]")
{
  CHECK(complaints(only_environment({{"SLOPN_GATEWAY_LISEN", "x"}})) ==
        "SLOPN_GATEWAY_LISEN: stands for no key; did you mean SLOPN_GATEWAY_LISTEN?");
}

TEST_CASE("load: variables of other programs are let pass", "[unit][config]")
{
  Environment environment{{"PATH", "/bin"}, {"SLOPN_TEST_ANYTHING", "1"}};
  for (const auto name : other_variables()) environment.emplace(name, "whatever");
  CHECK(load(only_environment(environment)));
}

TEST_CASE("load: an unknown or wrong --set is told", "[unit][config]")
{
  CHECK(complaints(only_overrides({{"gateway.lisen", "x", "--set"}})) ==
        "--set: unknown key gateway.lisen; did you mean gateway.listen?");
  CHECK_THAT(complaints(only_overrides({{"role", "x", "--role"}})),
             ContainsSubstring("--role: role: expected \"client\" or \"gateway\", found \"x\""));
  CHECK_THAT(complaints(only_overrides({{"gateway", "x", "--set"}})),
             ContainsSubstring("unknown key gateway"));
}

TEST_CASE("load: values that do not go together are told where they were given", "[unit][config]")
{
  CHECK(complaints(only_environment({{"SLOPN_CLIENT_KEEP_ALIVE_S", "31"}})) ==
        "SLOPN_CLIENT_KEEP_ALIVE_S: client.keep_alive_s: must be shorter than "
        "client.idle_timeout_s");
}

TEST_CASE("load: complaints of file, variables and flags come together", "[unit][config]")
{
  const TempDir dir;
  test::write(dir / "slopnd.toml", "rol = 1\n");
  const auto text = complaints(
      {dir / "slopnd.toml", FileNeed::required, {{"SLOPN_ROL", "1"}}, {{"rol", "1", "--set"}}});
  CHECK(std::ranges::count(text, '\n') == 2);
  CHECK_THAT(text, ContainsSubstring("slopnd.toml:1:1: unknown key rol; did you mean role?"));
}

TEST_CASE("load: only a file nobody asked for may be missing", "[unit][config]")
{
  const TempDir dir;
  CHECK(load({dir / "none", FileNeed::optional, {}, {}}));
  const auto config = load({dir / "none", FileNeed::required, {}, {}});
  REQUIRE_FALSE(config);
  CHECK(config.error().code == boost::system::errc::no_such_file_or_directory);
}

TEST_CASE("load: a file that everyone may write to is refused", "[unit][config]")
{
  const TempDir dir;
  test::write(dir / "slopnd.toml", "");
  REQUIRE(::chmod((dir / "slopnd.toml").c_str(), 0666) == 0);
  CHECK_THAT(complaints({dir / "slopnd.toml", FileNeed::optional, {}, {}}),
             ContainsSubstring("everyone may write to it"));
}

TEST_CASE("load: a file that is too long is refused", "[unit][config]")
{
  const TempDir dir;
  test::write(dir / "slopnd.toml", std::string(kMaxConfigBytes + 1, '\n'));
  CHECK_THAT(complaints({dir / "slopnd.toml", FileNeed::optional, {}, {}}),
             ContainsSubstring("longer than 1048576 bytes"));
}

TEST_CASE("load: no two keys share a variable", "[unit][config]")
{
  std::set<std::string> variables;
  for (const auto& key : keys()) {
    CAPTURE(key.name);
    CHECK(variables.insert(key.environment).second);
  }
  CHECK(variables.contains("SLOPN_GATEWAY_AUTH_ANONYMOUS"));
}

TEST_CASE("load: every default can be written into a file and read back", "[unit][config]")
{
  std::string toml;
  for (const auto& key : keys()) {
    if (!key.default_value.empty()) toml += key.name + " = " + key.default_value + "\n";
  }
  const auto config = parse_config(toml, "defaults");
  REQUIRE(config);
  const auto change = diff_live(Config{}, *config);
  CHECK(change.live.empty());
  CHECK(change.needs_restart.empty());
}

TEST_CASE("load: every key has a description", "[unit][config]")
{
  for (const auto& key : keys()) {
    CAPTURE(key.name);
    CHECK(key.description.ends_with('.'));
    CHECK_FALSE(key.type.empty());
  }
}
