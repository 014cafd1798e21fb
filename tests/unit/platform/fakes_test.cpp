#include <catch2/catch_test_macros.hpp>

#include "platform/fake/fake_firewall.hpp"
#include "platform/fake/fake_route_manager.hpp"

namespace slopn::platform {

TEST_CASE("fake routes: records calls and holds the present network", "[unit][platform]")
{
  FakeRouteManager routes;
  NetworkConfig config;
  config.interface_name = "slopn0";
  REQUIRE(routes.apply(config).has_value());
  CHECK(routes.current() == config);
  REQUIRE(routes.restore().has_value());
  CHECK_FALSE(routes.current());
  const std::vector<FakeRouteManager::Call> expected{config, FakeRouteManager::Restored{}};
  CHECK((routes.calls() == expected));
}

TEST_CASE("fake routes: a failing call changes nothing and is recorded", "[unit][platform]")
{
  FakeRouteManager routes;
  routes.fail_next(fail(Errc::platform_denied, "test"));
  CHECK(routes.apply({}).has_error());
  CHECK_FALSE(routes.current());
  CHECK(routes.calls().size() == 1);
  CHECK(routes.apply({}).has_value());
}

TEST_CASE("fake firewall: records calls and holds the present rules", "[unit][platform]")
{
  FakeFirewall firewall;
  GatewayRules rules;
  rules.tunnel_interface = "slopn0";
  REQUIRE(firewall.apply(rules).has_value());
  CHECK(firewall.current() == rules);
  firewall.fail_next(fail(Errc::platform_denied, "test"));
  CHECK(firewall.restore().has_error());
  CHECK(firewall.current() == rules);
  REQUIRE(firewall.restore().has_value());
  CHECK_FALSE(firewall.current());
  CHECK(firewall.calls().size() == 3);
}

}  // namespace slopn::platform
