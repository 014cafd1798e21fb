// The inner MTU follows the outer path.

#include <algorithm>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "libtunnel/core/wire/ip_packet.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

const IpAddress kBehindV4 = ip("203.0.113.9");
const IpAddress kBehindV6 = ip("2001:db8:9::9");

struct Expectation {
  IpVersion outer;
  std::size_t outer_mtu_bytes;
  std::size_t inner_mtu_bytes;
};

bool has_family(const session::TunnelParameters& parameters, IpVersion version)
{
  return std::ranges::any_of(parameters.addresses,
                             [&](const IpPrefix& one) { return one.version() == version; });
}

TunnelScene scene_with_mtu(IpVersion outer, std::size_t mtu_bytes)
{
  const UdpEndpoint gateway = outer == IpVersion::v4 ? kGatewayV4 : kGatewayV6;
  return TunnelScene{{.address = gateway},
                     {.address = client_address(1, outer), .gateway = gateway},
                     {.mtu_bytes = mtu_bytes}};
}

}  // namespace

TEST_CASE("path MTU: discovery finds what the outer path carries", "[sim][mtu]")
{
  const Expectation expected = GENERATE(values<Expectation>({
      {IpVersion::v4, 9000, 1438},
      {IpVersion::v4, 1500, 1438},
      {IpVersion::v4, 1492, 1418},
      {IpVersion::v4, 1480, 1418},
      {IpVersion::v4, 1420, 1358},
      {IpVersion::v4, 1400, 1338},
      {IpVersion::v4, 1350, 1280},
      {IpVersion::v4, 1280, 1218},
      {IpVersion::v6, 1500, 1418},
      {IpVersion::v6, 1400, 1318},
      {IpVersion::v6, 1280, 1198},
  }));
  CAPTURE(static_cast<int>(expected.outer), expected.outer_mtu_bytes);
  TunnelScene scene = scene_with_mtu(expected.outer, expected.outer_mtu_bytes);
  REQUIRE(scene.connect());
  scene.network.run_for(20s);
  CHECK(scene.client->parameters->mtu_bytes == expected.inner_mtu_bytes);

  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  scene.client->send(inner_packet(inside, kBehindV4, expected.inner_mtu_bytes));
  scene.gateway->send(inner_packet(kBehindV4, inside, expected.inner_mtu_bytes));
  scene.network.run_for(1s);
  CHECK(scene.gateway->inner_count == 1);
  CHECK(scene.client->inner_count == 1);
}

TEST_CASE("path MTU: IPv6 is offered only once 1280 bytes fit", "[sim][mtu]")
{
  TunnelScene scene = scene_with_mtu(IpVersion::v4, 1500);
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  REQUIRE(has_family(*scene.client->parameters, IpVersion::v6));
  for (const auto& parameters : scene.client->all_parameters)
    CHECK(has_family(parameters, IpVersion::v6) == (parameters.mtu_bytes >= 1280));
}

TEST_CASE("path MTU: a small path never offers IPv6", "[sim][mtu]")
{
  TunnelScene scene = scene_with_mtu(IpVersion::v4, 1300);
  REQUIRE(scene.connect());
  scene.network.run_for(20s);
  CHECK_FALSE(has_family(*scene.client->parameters, IpVersion::v6));
  for (const auto& route : scene.client->parameters->routes) CHECK(route.first.is_v4());
}

TEST_CASE("path MTU: a path of 1400 bytes offers IPv6 within two seconds", "[sim][mtu]")
{
  TunnelScene scene = scene_with_mtu(IpVersion::v4, 1400);
  REQUIRE(scene.connect());
  CHECK(scene.network.run_until(
      [&] { return has_family(*scene.client->parameters, IpVersion::v6); }, 2s));
}

TEST_CASE("path MTU: a packet too big for the tunnel is answered and stalls nothing", "[sim][mtu]")
{
  const IpVersion version = GENERATE(IpVersion::v4, IpVersion::v6);
  TunnelScene scene = scene_with_mtu(IpVersion::v4, 1500);
  REQUIRE(scene.connect());
  scene.network.run_for(5s);
  const IpAddress inside = scene.client->inner_address(version);
  const IpAddress behind = version == IpVersion::v4 ? kBehindV4 : kBehindV6;
  const std::uint8_t icmp =
      version == IpVersion::v4 ? wire::kProtocolIcmpV4 : wire::kProtocolIcmpV6;

  for (std::size_t size = 1439; size <= 1500; ++size) {
    scene.client->send(inner_packet(inside, behind, size));
    scene.gateway->send(inner_packet(behind, inside, size));
    scene.network.run_for(50ms);
  }
  CHECK(scene.client->waiting() == 0);
  CHECK(scene.client->session().counters().drops[DropReason::too_big] == 62);
  CHECK(scene.gateway->counters().drops[DropReason::too_big] == 62);
  REQUIRE(scene.client->inner.size() == 62);
  REQUIRE(scene.gateway->inner.size() == 62);
  for (const auto* answers : {&scene.client->inner, &scene.gateway->inner}) {
    const auto header = wire::parse_ip_header(answers->front());
    REQUIRE(header);
    CHECK(header->protocol == icmp);
    CHECK(header->destination == (answers == &scene.client->inner ? inside : behind));
  }

  scene.client->send(inner_packet(inside, behind, 1438));
  scene.gateway->send(inner_packet(behind, inside, 1438));
  scene.network.run_for(100ms);
  CHECK(scene.client->inner.size() == 63);
  CHECK(scene.gateway->inner.size() == 63);
}

TEST_CASE("path MTU: a configured limit is kept", "[sim][mtu]")
{
  ClientSetup setup;
  setup.session.max_mtu_bytes = 1300;
  TunnelScene scene{{}, setup};
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  CHECK(scene.client->parameters->mtu_bytes == 1300);
}
