#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/config/load.hpp"
#include "tests/support/catch_result.hpp"

using namespace slopn;
using namespace slopn::config;
using Catch::Matchers::ContainsSubstring;
using daemon::Grant;

namespace {

Result<Config> from_variable(const std::string& text)
{
  LoadOrder order;
  order.environment = {{"SLOPN_CONTROL_GRANTS", text}};
  return load(order);
}

}  // namespace

TEST_CASE("grants: a table says which role users, groups and uids have", "[unit][config]")
{
  const auto config = parse_config(R"(
[[control.grants]]
role = "operate"
users = ["alice"]
groups = ["slopn", "wheel"]
uids = [1000, 1001]

[[control.grants]]
role = "read"
groups = ["staff"]
)",
                                   "slopnd.toml");
  REQUIRE(config);
  CHECK(config->control.grants ==
        std::vector<Grant>{{.role = daemon::Role::operate,
                            .users = {"alice"},
                            .groups = {"slopn", "wheel"},
                            .uids = {1000, 1001}},
                           {.role = daemon::Role::read, .groups = {"staff"}}});
}

TEST_CASE("grants: by default only the group slopn has a role", "[unit][config]")
{
  const auto config = parse_config("", "slopnd.toml");
  REQUIRE(config);
  CHECK(config->control.grants.empty());
  CHECK(config->control.group == "slopn");
}

TEST_CASE("grants: in a variable each is one word", "[unit][config]")
{
  const auto config = from_variable("operate=user:alice, read=group:staff,admin=uid:1000");
  REQUIRE(config);
  CHECK(config->control.grants ==
        std::vector<Grant>{{.role = daemon::Role::operate, .users = {"alice"}},
                           {.role = daemon::Role::read, .groups = {"staff"}},
                           {.role = daemon::Role::admin, .uids = {1000}}});
}

TEST_CASE("grants: what makes no sense is refused", "[unit][config]")
{
  const auto [text, complaint] = GENERATE(table<std::string, std::string>({
      {R"({ users = ["alice"] })", "control.grants: a grant needs a role"},
      {R"({ role = "read" })", "control.grants: a grant needs users, groups or uids"},
      {R"({ role = "read", users = [] })", "control.grants: a grant needs users, groups or uids"},
      {R"({ role = "root", users = ["alice"] })", "control.grants.role: expected"},
      {R"({ role = "none", users = ["alice"] })", "control.grants.role: expected"},
      {R"({ role = "read", users = [""] })", "control.grants.users: expected user name"},
      {R"({ role = "read", users = ["a:b"] })", "control.grants.users: expected user name"},
      {R"({ role = "read", users = "alice" })", "control.grants.users: expected list"},
      {R"({ role = "read", uids = [-1] })", "control.grants.uids: expected integer"},
      {R"({ role = "read", uids = [4294967295] })", "control.grants.uids: expected integer"},
      {R"({ role = "read", user = ["alice"] })", "did you mean control.grants.users?"},
      {R"("operate=user:alice")", "control.grants: expected a table"},
  }));
  CAPTURE(text);
  const auto config = parse_config("control.grants = [" + text + "]", "slopnd.toml");
  REQUIRE_FALSE(config);
  CHECK_THAT(config.error().context, ContainsSubstring(complaint));
}

TEST_CASE("grants: a variable that makes no sense is refused", "[unit][config]")
{
  const auto text =
      GENERATE(as<std::string>{}, "operate", "operate=alice", "operate:alice",
               "operate=users:alice", "=user:alice", "operate=uid:x", "operate=user:");
  CAPTURE(text);
  CHECK_FALSE(from_variable(text));
}

TEST_CASE("grants: change while slopnd runs", "[unit][config]")
{
  const auto loaded =
      parse_config("control.grants = [{ role = \"read\", uids = [1] }]", "slopnd.toml");
  REQUIRE(loaded);
  const auto change = diff_live(Config{}, *loaded);
  CHECK(change.live == std::vector<std::string>{"control.grants"});
  CHECK(change.needs_restart.empty());
  CHECK(with_live_changes(Config{}, *loaded).control.grants == loaded->control.grants);
}
