#include "daemon/supervisor/host_network.hpp"

#include <catch2/catch_test_macros.hpp>

#include "platform/fake/fake_route_manager.hpp"
#include "tests/support/catch_result.hpp"
#include "tests/support/hex.hpp"

namespace slopn::daemon {
namespace {

using platform::FakeRouteManager;
using tunnel::Guard;

struct Scene {
  Scene() : Scene(std::make_unique<FakeRouteManager>()) {}
  explicit Scene(std::unique_ptr<FakeRouteManager> made) : routes(*made), network(std::move(made))
  {
  }

  FakeRouteManager& routes;
  HostNetwork network;
  config::ClientConfig config;
};

}  // namespace

TEST_CASE("host network: blocking refuses everything but our own packets", "[unit][supervisor]")
{
  Scene scene;
  CHECK(scene.network.guard() == Guard::open);
  REQUIRE(scene.network.block(scene.config));
  CHECK(scene.network.guard() == Guard::blocked);
  REQUIRE(scene.routes.current());
  const auto& policy = scene.routes.current()->policy;
  REQUIRE(policy);
  CHECK(scene.routes.current()->interface_name.empty());
  CHECK(policy->through_tunnel.empty());
  CHECK(policy->unreachable == std::vector{test::prefix("0.0.0.0/0"), test::prefix("::/0")});
  CHECK(policy->bypass_mark == scene.config.fwmark);
}

TEST_CASE("host network: what is never tunnelled is not blocked", "[unit][supervisor]")
{
  Scene scene;
  REQUIRE(scene.network.block(scene.config, {test::prefix("192.168.7.0/24")}));
  CHECK(scene.routes.current()->policy->outside == std::vector{test::prefix("192.168.7.0/24")});
  REQUIRE(scene.network.block(scene.config));
  CHECK(scene.routes.current()->policy->outside.empty());
}

TEST_CASE("host network: nothing is opened on the way from a tunnel to blocked",
          "[unit][supervisor]")
{
  Scene scene;
  platform::NetworkConfig tunnel;
  tunnel.interface_name = "slopn0";
  REQUIRE(scene.network.tunnel(tunnel));
  CHECK(scene.network.guard() == Guard::tunnel);
  REQUIRE(scene.network.block(scene.config));
  for (const auto& call : scene.routes.calls())
    CHECK_FALSE(std::holds_alternative<FakeRouteManager::Restored>(call));
  REQUIRE(scene.network.open());
  CHECK(scene.network.guard() == Guard::open);
  CHECK_FALSE(scene.routes.current());
}

TEST_CASE("host network: what failed is not believed to be so", "[unit][supervisor]")
{
  Scene scene;
  scene.routes.fail_next(fail(Errc::platform_denied, "test"));
  CHECK_FALSE(scene.network.block(scene.config));
  CHECK(scene.network.guard() == Guard::open);
  REQUIRE(scene.network.block(scene.config));
  scene.routes.fail_next(fail(Errc::platform_denied, "test"));
  CHECK_FALSE(scene.network.open());
  CHECK(scene.network.guard() == Guard::blocked);
}

}  // namespace slopn::daemon
