#include <catch2/catch_test_macros.hpp>

#include "daemon/config/load.hpp"
#include "tests/support/catch_result.hpp"

using namespace slopn;
using namespace slopn::config;

namespace {

Config parse(std::string_view toml)
{
  auto config = parse_config(toml, "test");
  REQUIRE(config);
  return *config;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("config: the same text is no change", "[unit][config]")
{
  const auto change = diff_live(parse("role = \"gateway\""), parse("role = \"gateway\""));
  CHECK(change.live.empty());
  CHECK(change.needs_restart.empty());
}

TEST_CASE("config: log level, access, limits and routes change live", "[unit][config]")
{
  const auto change = diff_live(
      parse(""), parse("log.level = \"debug\"\ngateway.routes = []\ngateway.auth.anonymous = true\n"
                       "gateway.limits.max_sessions = 5\n"
                       "gateway.auth.client = [{name = \"a\", public_key = "
                       "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]\n"));
  CHECK(change.live == Names{"log.level", "gateway.routes", "gateway.auth.anonymous",
                             "gateway.auth.client", "gateway.limits.max_sessions"});
  CHECK(change.needs_restart.empty());
}

TEST_CASE("config: everything else needs a restart and is named", "[unit][config]")
{
  const auto change =
      diff_live(parse(""), parse("role = \"gateway\"\ngateway.listen = [\"0.0.0.0:1\"]\n"
                                 "client.retry.first_backoff_ms = 100\n"));
  CHECK(change.live.empty());
  CHECK(change.needs_restart == Names{"role", "client.retry.first_backoff_ms", "gateway.listen"});
}

TEST_CASE("config: live changes leave the rest as it runs", "[unit][config]")
{
  const auto loaded = parse("log.level = \"debug\"\nrole = \"gateway\"\ngateway.routes = []\n");
  const auto merged = with_live_changes(parse(""), loaded);
  CHECK(merged.log.level == LogLevel::debug);
  CHECK(merged.gateway.routes.empty());
  CHECK(merged.role == Role::client);
  CHECK(diff_live(merged, loaded).live.empty());
  CHECK(diff_live(merged, loaded).needs_restart == Names{"role"});
}
