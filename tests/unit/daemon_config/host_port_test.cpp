#include "daemon/config/host_port.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/support/catch_result.hpp"

using slopn::config::HostPort;

TEST_CASE("host: names and addresses, with and without a port", "[unit][config]")
{
  struct Example {
    std::string_view text;
    HostPort meaning;
    std::string_view formatted;
  };
  const auto example = GENERATE(
      Example{"vpn.example.org", {"vpn.example.org", 443}, "vpn.example.org:443"},
      Example{"VPN.Example.ORG.:4242", {"vpn.example.org", 4242}, "vpn.example.org:4242"},
      Example{"192.0.2.1:1", {"192.0.2.1", 1}, "192.0.2.1:1"},
      Example{"[2001:DB8::1]", {"2001:db8::1", 443}, "[2001:db8::1]:443"},
      Example{"[::1]:65535", {"::1", 65535}, "[::1]:65535"},
      Example{"xn--bcher-kva.example", {"xn--bcher-kva.example", 443}, "xn--bcher-kva.example:443"},
      Example{"my_host", {"my_host", 443}, "my_host:443"});
  const auto parsed = HostPort::parse(example.text);
  REQUIRE(parsed);
  CHECK(*parsed == example.meaning);
  CHECK(parsed->to_string() == example.formatted);
  CHECK(HostPort::parse(parsed->to_string()) == parsed);
}

TEST_CASE("host: refuses what is neither", "[unit][config]")
{
  const auto text = GENERATE(
      as<std::string>{}, "", ":", ":443", "a:", "a:0", "a:65536", "a:-1", "a:+1", "a: 1", "a:4 ",
      "2001:db8::1", "[192.0.2.1]", "[::1", "::1]", "[::1]443", "[]:443", "[::1]:", "-a.example",
      "a-.example", "a..b", ".a", "1.2.3", "1.2.3.4.5", "256.1.1.1", "a b", "a/b", "a@b", "a%00",
      "[fe80::1%eth0]", std::string("a\0b", 3), std::string(64, 'a'), "\xc3\xbc.example");
  CAPTURE(text);
  CHECK_FALSE(HostPort::parse(text));
}

TEST_CASE("host: the longest DNS name is 253 bytes", "[unit][config]")
{
  std::string name;
  while (name.size() < 252) name += "a.";
  name += 'b';
  REQUIRE(name.size() == 253);
  CHECK(HostPort::parse(name));
  CHECK_FALSE(HostPort::parse("a" + name));
}

TEST_CASE("host: tells addresses from names", "[unit][config]")
{
  CHECK(HostPort{"192.0.2.1", 443}.is_address());
  CHECK(HostPort{"2001:db8::1", 443}.is_address());
  CHECK_FALSE(HostPort{"example.org", 443}.is_address());
}
