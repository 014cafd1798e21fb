#include "daemon/supervisor/split_routes.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/support/hex.hpp"

namespace slopn::daemon {
namespace {

using test::prefix;
using Prefixes = std::vector<IpPrefix>;

wire::IpRange all_of(IpVersion version)
{
  const IpPrefix all = IpPrefix::all(version);
  return {all.first(), all.last(), 0};
}

RouteWishes full_tunnel()
{
  return {.advertised = {all_of(IpVersion::v4), all_of(IpVersion::v6)},
          .profile_routes = {},
          .include = {},
          .exclude = {},
          .lan = {}};
}

wire::IpRange range(const char* text)
{
  const IpPrefix one = prefix(text);
  return {one.first(), one.last(), 0};
}

// One line for each prefix, in the order of a routing table's list.
std::string golden(const platform::NetworkConfig::Policy& policy)
{
  std::string text;
  for (const auto& one : policy.outside) text += "outside " + one.to_string() + "\n";
  for (const auto& one : policy.through_tunnel) text += "tunnel " + one.to_string() + "\n";
  for (const auto& one : policy.unreachable) text += "nowhere " + one.to_string() + "\n";
  return text;
}

std::string routes_for(const RouteWishes& wishes,
                       const Prefixes& addresses = {prefix("10.86.0.2/32"), prefix("fd86::2/128")})
{
  session::TunnelParameters parameters;
  parameters.addresses = addresses;
  parameters.mtu_bytes = 1400;
  const auto network =
      client_network(config::ClientConfig{}, "slopn0", parameters, plan_routes(wishes));
  REQUIRE(network.policy);
  return golden(*network.policy);
}

}  // namespace

TEST_CASE("split routes: without wishes everything goes through the tunnel", "[unit][supervisor]")
{
  CHECK(routes_for(full_tunnel()) ==
        "tunnel 0.0.0.0/0\ntunnel ::/0\nnowhere 0.0.0.0/0\nnowhere ::/0\n");
}

TEST_CASE("split routes: what is excluded stays outside", "[unit][supervisor]")
{
  auto wishes = full_tunnel();
  wishes.exclude = {prefix("192.0.2.0/24"), prefix("2001:db8::/32")};
  CHECK(routes_for(wishes) ==
        "outside 192.0.2.0/24\noutside 2001:db8::/32\n"
        "tunnel 0.0.0.0/0\ntunnel ::/0\nnowhere 0.0.0.0/0\nnowhere ::/0\n");
}

TEST_CASE("split routes: a longer prefix of the gateway does not undo an exclusion",
          "[unit][supervisor]")
{
  auto wishes = full_tunnel();
  wishes.advertised = {range("10.1.0.0/16"), range("192.0.2.0/24")};
  wishes.exclude = {prefix("10.0.0.0/8")};
  CHECK(routes_for(wishes) == "outside 10.0.0.0/8\ntunnel 192.0.2.0/24\nnowhere 192.0.2.0/24\n");
}

TEST_CASE("split routes: excluded IPv6 stays outside of a tunnel that has none",
          "[unit][supervisor]")
{
  auto wishes = full_tunnel();
  wishes.advertised = {all_of(IpVersion::v4)};
  wishes.exclude = {prefix("2001:db8::/32")};
  CHECK(routes_for(wishes, {prefix("10.86.0.2/32")}) ==
        "outside 2001:db8::/32\ntunnel 0.0.0.0/0\nnowhere 0.0.0.0/0\nnowhere ::/0\n");
}

TEST_CASE("split routes: only what is included goes through the tunnel", "[unit][supervisor]")
{
  auto wishes = full_tunnel();
  wishes.include = {prefix("10.0.0.0/8"), prefix("fd00::/8")};
  CHECK(routes_for(wishes) ==
        "tunnel 10.0.0.0/8\ntunnel fd00::/8\nnowhere 10.0.0.0/8\nnowhere fd00::/8\n");
}

TEST_CASE("split routes: what is included and not carried goes nowhere", "[unit][supervisor]")
{
  auto wishes = full_tunnel();
  wishes.advertised = {range("10.1.0.0/16")};
  wishes.include = {prefix("10.0.0.0/8"), prefix("192.0.2.0/24")};
  CHECK(routes_for(wishes) ==
        "tunnel 10.1.0.0/16\nnowhere 10.1.0.0/16\nnowhere 10.0.0.0/8\nnowhere 192.0.2.0/24\n");
}

TEST_CASE("split routes: what is included without an inner address goes nowhere",
          "[unit][supervisor]")
{
  auto wishes = full_tunnel();
  wishes.include = {prefix("fd00::/8")};
  CHECK(routes_for(wishes, {prefix("10.86.0.2/32")}) == "nowhere fd00::/8\n");
}

TEST_CASE("split routes: a gateway that advertises nothing carries what is included",
          "[unit][supervisor]")
{
  RouteWishes wishes;
  wishes.include = {prefix("10.0.0.0/8")};
  CHECK(routes_for(wishes) == "tunnel 10.0.0.0/8\nnowhere 10.0.0.0/8\n");
  wishes.profile_routes = {prefix("10.2.0.0/16")};
  CHECK(routes_for(wishes) == "tunnel 10.2.0.0/16\nnowhere 10.2.0.0/16\nnowhere 10.0.0.0/8\n");
}

TEST_CASE("split routes: the profile and the settings both limit", "[unit][supervisor]")
{
  auto wishes = full_tunnel();
  wishes.profile_routes = {prefix("10.0.0.0/8")};
  wishes.include = {prefix("10.5.0.0/16")};
  wishes.exclude = {prefix("10.5.5.0/24")};
  CHECK(routes_for(wishes) == "outside 10.5.5.0/24\ntunnel 10.5.0.0/16\nnowhere 10.5.0.0/16\n");
}

TEST_CASE("split routes: the longest prefix decides between a LAN and the tunnel",
          "[unit][supervisor]")
{
  auto wishes = full_tunnel();
  wishes.advertised = {all_of(IpVersion::v4), range("10.20.0.0/16")};
  wishes.lan = {prefix("10.0.0.0/8"), prefix("192.168.1.0/24")};
  CHECK(routes_for(wishes) ==
        "outside 10.0.0.0/8\noutside 192.168.1.0/24\ntunnel 0.0.0.0/0\ntunnel 10.20.0.0/16\n"
        "nowhere 0.0.0.0/0\nnowhere 10.20.0.0/16\nnowhere ::/0\n");
}

TEST_CASE("split routes: a load is only measured inside the tunnel", "[unit][supervisor]")
{
  const std::vector<UdpEndpoint> offered{*UdpEndpoint::parse("10.86.0.1:5202"),
                                         *UdpEndpoint::parse("192.0.2.80:80")};
  const Prefixes own{prefix("10.86.0.2/32")};
  auto wishes = full_tunnel();
  wishes.exclude = {prefix("192.0.2.0/24")};
  CHECK(endpoints_inside(offered, own, plan_routes(wishes)) == std::vector{offered[0]});
  wishes.lan = {prefix("10.0.0.0/8")};
  CHECK(endpoints_inside(offered, own, plan_routes(wishes)).empty());
  wishes.advertised.push_back(range("10.86.0.0/16"));
  CHECK(endpoints_inside(offered, own, plan_routes(wishes)) == std::vector{offered[0]});
}

TEST_CASE("lan access: networks that are private as a whole are taken", "[unit][supervisor]")
{
  const auto* const text = GENERATE("10.0.0.0/8", "10.1.2.0/24", "172.16.0.0/12", "172.31.9.0/24",
                                    "192.168.0.0/16", "192.168.178.0/24", "169.254.0.0/16",
                                    "fe80::/64", "fd12:3456:789a::/64", "fc00::/7");
  CHECK(private_networks({{"eth0", prefix(text)}}, "slopn0") == Prefixes{prefix(text)});
}

TEST_CASE("lan access: networks with a public address in them are not", "[unit][supervisor]")
{
  const auto* const text =
      GENERATE("0.0.0.0/0", "8.0.0.0/6", "10.0.0.0/7", "172.0.0.0/11", "172.0.0.0/8",
               "192.168.0.0/15", "192.0.2.0/24", "203.0.113.7/32", "100.64.0.0/10", "127.0.0.0/8",
               "224.0.0.0/24", "2001:db8::/64", "2000::/3", "::/0", "fe00::/9", "::1/128");
  CHECK(private_networks({{"eth0", prefix(text)}}, "slopn0").empty());
}

TEST_CASE("lan access: the tunnel itself is no LAN, and a network is named once",
          "[unit][supervisor]")
{
  CHECK(private_networks({{"slopn0", prefix("10.86.0.0/16")},
                          {"eth0", prefix("192.168.1.0/24")},
                          {"wlan0", prefix("192.168.1.0/24")},
                          {"eth0", prefix("fe80::/64")},
                          {"wlan0", prefix("fe80::/64")}},
                         "slopn0") == Prefixes{prefix("192.168.1.0/24"), prefix("fe80::/64")});
}

}  // namespace slopn::daemon
