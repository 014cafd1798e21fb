#include "platform/linux/gateway_ruleset.hpp"

#include <catch2/catch_test_macros.hpp>

namespace slopn::platform {
namespace {

GatewayRules rules_for(const char* pool)
{
  GatewayRules rules;
  rules.tunnel_interface = "slopn0";
  rules.pools = {*IpPrefix::parse(pool)};
  return rules;
}

// Every line of it is a decision about who may send what where: change it only together with a
// test in tests/netns/platform/firewall_test.cpp.
constexpr const char* kGolden = R"(add table inet slopn
delete table inet slopn
table inet slopn {
  set pools4 {
    type ipv4_addr
    flags interval
    auto-merge
    elements = { 10.90.0.0/24 }
  }
  set pools6 {
    type ipv6_addr
    flags interval
    auto-merge
    elements = { fd90::/64 }
  }
  set inside4 {
    type ipv4_addr
    flags interval
    auto-merge
    elements = { 10.90.0.0/24, 10.99.0.1/32 }
  }
  set inside6 {
    type ipv6_addr
    flags interval
    auto-merge
    elements = { fd90::/64 }
  }
  set forbidden4 {
    type ipv4_addr
    flags interval
    auto-merge
    elements = { 169.254.169.254/32 }
  }
  set forbidden6 {
    type ipv6_addr
    flags interval
    auto-merge
    elements = { ::/1, 8000::/1 }
  }
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifname != { "slopn0", "lo" } ip saddr @pools4 drop
    iifname != { "slopn0", "lo" } ip6 saddr @pools6 drop
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname != { "slopn0", "lo" } ip daddr @inside4 drop
    iifname != { "slopn0", "lo" } ip6 daddr @inside6 drop
    iifname "slopn0" jump to_gateway
  }
  chain to_gateway {
    ip saddr != @pools4 drop
    ip6 saddr != @pools6 drop
    ct state established,related accept
    icmp type echo-request accept
    icmpv6 type echo-request accept
    ip daddr 10.90.0.1 meta l4proto { tcp, udp } th dport 5202 accept
    ip6 daddr fd90::1 meta l4proto { tcp, udp } th dport 5202 accept
    meta l4proto tcp reject with tcp reset
    reject with icmpx admin-prohibited
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "slopn0" jump from_tunnel
    oifname "slopn0" jump to_tunnel
  }
  chain from_tunnel {
    ip saddr != @pools4 drop
    ip6 saddr != @pools6 drop
    ip daddr @forbidden4 reject with icmpx admin-prohibited
    ip6 daddr @forbidden6 reject with icmpx admin-prohibited
    oifname "slopn0" reject with icmpx admin-prohibited
    ct state invalid drop
    tcp dport 25 reject with tcp reset
    accept
  }
  chain to_tunnel {
    ct state established,related accept
    drop
  }
  chain clamp {
    type filter hook forward priority mangle; policy accept;
    iifname "slopn0" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
    oifname "slopn0" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
  }
  chain output {
    type filter hook output priority filter; policy accept;
    oifname "slopn0" icmp type redirect drop
    oifname "slopn0" icmpv6 type { nd-router-solicit, nd-redirect, mld-listener-report, mld-listener-done, mld2-listener-report } drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname { "slopn0", "lo" } accept
    ip saddr @pools4 meta l4proto { tcp, udp } masquerade to :16384-65535 fully-random
    ip saddr @pools4 masquerade
    ip6 saddr @pools6 meta l4proto { tcp, udp } masquerade to :16384-65535 fully-random
    ip6 saddr @pools6 masquerade
  }
}
)";

bool contains(const std::string& text, const std::string& part)
{
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("gateway rules: the whole table", "[unit][platform]")
{
  GatewayRules rules = rules_for("10.90.0.0/24");
  rules.pools.push_back(*IpPrefix::parse("fd90::/64"));
  rules.forbidden = {*IpPrefix::parse("169.254.169.254/32"), *IpPrefix::parse("::/0")};
  rules.tunnel_addresses = {*IpAddress::parse("10.99.0.1")};
  rules.services = {*UdpEndpoint::parse("10.90.0.1:5202"), *UdpEndpoint::parse("[fd90::1]:5202")};
  CHECK(*gateway_ruleset(rules) == kGolden);
}

TEST_CASE("gateway rules: client to client and masquerading are choices", "[unit][platform]")
{
  GatewayRules rules = rules_for("10.90.0.0/24");
  rules.client_to_client = true;
  rules.masquerade = false;
  const std::string text = *gateway_ruleset(rules);
  CHECK(contains(text, "    oifname \"slopn0\" accept\n"));
  CHECK_FALSE(contains(text, "masquerade"));
  CHECK_FALSE(contains(text, "invalid"));
}

TEST_CASE("gateway rules: without services clients reach nothing but pings", "[unit][platform]")
{
  CHECK_FALSE(contains(*gateway_ruleset(rules_for("10.90.0.0/24")), "dport 5202"));
}

TEST_CASE("gateway rules: a name cannot change the meaning of the text", "[unit][platform]")
{
  for (const char* name : {"", "x\" accept; #", "a b", "a\nb", "$x", "{", "a,b", "*", "a*"}) {
    CAPTURE(name);
    GatewayRules rules = rules_for("10.90.0.0/24");
    rules.tunnel_interface = name;
    const auto refused = gateway_ruleset(rules);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == make_error_code(Errc::invalid_argument));
    CHECK(gateway_ruleset(rules_for("10.90.0.0/24"), name).has_error());
  }
}

TEST_CASE("gateway rules: without pools there are no rules", "[unit][platform]")
{
  GatewayRules rules;
  rules.tunnel_interface = "slopn0";
  CHECK(gateway_ruleset(rules).has_error());
}

}  // namespace slopn::platform
