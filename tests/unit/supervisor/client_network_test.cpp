#include "daemon/supervisor/client_network.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/hex.hpp"

namespace slopn::daemon {
namespace {

using test::prefix;

const std::vector<IpPrefix> kOwn{prefix("10.86.0.2/32"), prefix("fd86::2/128")};

std::vector<UdpEndpoint> endpoints(std::initializer_list<const char*> texts)
{
  std::vector<UdpEndpoint> made;
  for (const char* text : texts) made.push_back(*UdpEndpoint::parse(text));
  return made;
}

}  // namespace

TEST_CASE("client network: endpoints behind a tunnelled route are taken", "[unit][supervisor]")
{
  const auto offered = endpoints({"10.86.0.1:5202", "[fd86::1]:5202"});
  CHECK(endpoints_inside(offered, kOwn, {prefix("0.0.0.0/0"), prefix("::/0")}) == offered);
  CHECK(endpoints_inside(offered, kOwn, {prefix("10.86.0.0/16")}) == endpoints({"10.86.0.1:5202"}));
}

TEST_CASE("client network: an endpoint beside the tunnel is not believed", "[unit][supervisor]")
{
  const auto elsewhere = endpoints({"192.0.2.80:80", "[2001:db8::80]:80"});
  CHECK(endpoints_inside(elsewhere, kOwn, {prefix("10.0.0.0/8"), prefix("fd00::/8")}).empty());
  CHECK(endpoints_inside(elsewhere, kOwn, {}).empty());
}

TEST_CASE(
    "client network: an endpoint of a family without an address of ours, or our own, is not "
    "taken",
    "[unit][supervisor]")
{
  const std::vector<IpPrefix> all{prefix("0.0.0.0/0"), prefix("::/0")};
  CHECK(endpoints_inside(endpoints({"[fd86::1]:5202"}), {kOwn[0]}, all).empty());
  CHECK(endpoints_inside(endpoints({"10.86.0.2:5202"}), kOwn, all).empty());
}

}  // namespace slopn::daemon
