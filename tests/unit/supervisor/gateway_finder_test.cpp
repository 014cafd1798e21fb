#include "daemon/supervisor/gateway_finder.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

namespace slopn::daemon {
namespace {

RaceCandidate at(const char* endpoint, std::size_t gateway)
{
  return {*UdpEndpoint::parse(endpoint), gateway};
}

struct Scene {
  asio::io_context control;
  GatewayFinder finder{control.get_executor()};
  std::vector<GatewayFinder::News> told;

  GatewayFinder::Listener listener()
  {
    return [this](const GatewayFinder::News& news) { told.push_back(news); };
  }
};

}  // namespace

// Names are for the network tests: a unit test asks no DNS.
TEST_CASE("gateway finder: addresses need no search", "[unit][supervisor]")
{
  Scene scene;
  scene.finder.search({{"192.0.2.1", 443}, {"2001:db8::1", 4242}}, Names::ask, scene.listener());
  REQUIRE(scene.told.size() == 1);
  CHECK(scene.told[0].complete);
  CHECK(scene.told[0].missing.empty());
  CHECK(scene.told[0].candidates ==
        std::vector{at("192.0.2.1:443", 0), at("[2001:db8::1]:4242", 1)});
}

TEST_CASE("gateway finder: a listener may start the next search", "[unit][supervisor]")
{
  Scene scene;
  scene.finder.search({{"192.0.2.1", 443}}, Names::ask, [&](const GatewayFinder::News&) {
    scene.finder.search({{"192.0.2.2", 443}}, Names::remember, scene.listener());
  });
  REQUIRE(scene.told.size() == 1);
  CHECK(scene.told[0].candidates == std::vector{at("192.0.2.2:443", 0)});
}

}  // namespace slopn::daemon
