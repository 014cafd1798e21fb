#include <catch2/catch_test_macros.hpp>

#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

TEST_CASE("sim: a client gets addresses of both families", "[sim][tunnel]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  CHECK(scene.client->inner_address(IpVersion::v4).to_string() == "10.77.0.2");
  CHECK(scene.client->inner_address(IpVersion::v6).to_string() == "fd00:77::2");
  CHECK(scene.client->parameters->mtu_bytes == 1438);
  CHECK(scene.gateway->sessions().size() == 1);
}
