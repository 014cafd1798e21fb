#include "libtunnel/base/ip.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>
#include <unordered_set>

#include "tests/support/hex.hpp"

namespace slopn {
namespace {

using test::ip;
using test::prefix;

}  // namespace

TEST_CASE("ip: text goes both ways", "[unit][base]")
{
  const auto* text = GENERATE("0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::1",
                              "fe80::1:2:3:4", "2001:db8:1:2:3:4:5:6");
  CHECK(ip(text).to_string() == text);
  CHECK(IpAddress::from_bytes(ip(text).bytes()) == ip(text));
}

TEST_CASE("ip: IPv6 is printed as RFC 5952 wants it", "[unit][base]")
{
  CHECK(ip("2001:0DB8:0000:0000:0001:0000:0000:0001").to_string() == "2001:db8::1:0:0:1");
  CHECK(ip("2001:DB8::").to_string() == "2001:db8::");
}

TEST_CASE("ip: refuses what is no address", "[unit][base]")
{
  const auto* text =
      GENERATE("", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "[::1]",
               "fe80::1%eth0", "10.0.0.0/8", "::1::", "g::", "localhost", "0x7f000001");
  INFO(text);
  CHECK_FALSE(IpAddress::parse(text));
}

TEST_CASE("ip: refuses text with a zero byte in it", "[unit][base]")
{
  CHECK_FALSE(IpAddress::parse(std::string_view{"1.2.3.4\0x", 9}));
}

TEST_CASE("ip: only 4 or 16 bytes are an address", "[unit][base]")
{
  for (std::size_t size = 0; size < 20; ++size)
    CHECK(IpAddress::from_bytes(ByteVector(size)).has_value() == (size == 4 || size == 16));
}

TEST_CASE("ip: scopes", "[unit][base]")
{
  CHECK(ip("0.0.0.0").is_unspecified());
  CHECK(ip("::").is_unspecified());
  CHECK_FALSE(ip("0.0.0.1").is_unspecified());
  CHECK(ip("127.8.9.1").is_loopback());
  CHECK(ip("::1").is_loopback());
  CHECK_FALSE(ip("::2").is_loopback());
  CHECK_FALSE(ip("1::1").is_loopback());
  CHECK(ip("224.0.0.1").is_multicast());
  CHECK(ip("239.255.255.255").is_multicast());
  CHECK_FALSE(ip("240.0.0.1").is_multicast());
  CHECK(ip("ff02::1").is_multicast());
  CHECK(ip("169.254.3.4").is_link_local());
  CHECK_FALSE(ip("169.253.3.4").is_link_local());
  CHECK(ip("fe80::1").is_link_local());
  CHECK(ip("febf::1").is_link_local());
  CHECK_FALSE(ip("fec0::1").is_link_local());
}

TEST_CASE("ip: next and previous carry", "[unit][base]")
{
  CHECK(ip("10.0.0.255").next() == ip("10.0.1.0"));
  CHECK(ip("10.0.1.0").previous() == ip("10.0.0.255"));
  CHECK(ip("2001:db8::ffff:ffff").next() == ip("2001:db8::1:0:0"));
  CHECK(ip("2001:db8::1:0:0").previous() == ip("2001:db8::ffff:ffff"));
  CHECK_FALSE(ip("255.255.255.255").next());
  CHECK_FALSE(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").next());
  CHECK_FALSE(ip("0.0.0.0").previous());
  CHECK_FALSE(ip("::").previous());
}

TEST_CASE("ip: IPv4 sorts before IPv6, then numerically", "[unit][base]")
{
  CHECK(ip("255.255.255.255") < ip("::"));
  CHECK(ip("9.0.0.0") < ip("10.0.0.0"));
  CHECK(ip("fd00::9") < ip("fd00::10"));
}

TEST_CASE("prefix: text goes both ways", "[unit][base]")
{
  const auto* text = GENERATE("0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/32", "::/0", "2001:db8::/33");
  CHECK(prefix(text).to_string() == text);
}

TEST_CASE("prefix: a bare address is a host", "[unit][base]")
{
  CHECK(prefix("10.1.2.3") == IpPrefix::host(ip("10.1.2.3")));
  CHECK(prefix("fd00::1").length_bits() == 128);
}

TEST_CASE("prefix: refuses host bits and nonsense", "[unit][base]")
{
  const auto* text =
      GENERATE("10.0.0.1/8", "10.0.0.0/33", "fd00::/129", "fd00::1/64", "10.0.0.0/", "10.0.0.0/-1",
               "10.0.0.0/ 8", "10.0.0.0/8/8", "/8", "", "10.0.0.0/+8");
  INFO(text);
  CHECK_FALSE(IpPrefix::parse(text));
}

TEST_CASE("prefix: contains what lies between its ends", "[unit][base]")
{
  const IpPrefix odd = prefix("10.0.0.64/27");
  CHECK(odd.first() == ip("10.0.0.64"));
  CHECK(odd.last() == ip("10.0.0.95"));
  for (const auto* inside : {"10.0.0.64", "10.0.0.80", "10.0.0.95"})
    CHECK(odd.contains(ip(inside)));
  for (const auto* outside : {"10.0.0.63", "10.0.0.96", "11.0.0.64", "::a00:40"})
    CHECK_FALSE(odd.contains(ip(outside)));
  CHECK(prefix("0.0.0.0/0").contains(ip("203.0.113.9")));
  CHECK_FALSE(prefix("0.0.0.0/0").contains(ip("::1")));
}

TEST_CASE("prefix: containing an address is what it says", "[unit][base]")
{
  std::mt19937_64 random{3};
  for (int round = 0; round < 1000; ++round) {
    ByteVector bytes(round % 2 == 0 ? 4 : 16);
    for (auto& b : bytes) b = static_cast<std::byte>(random() & 0xffU);
    const IpAddress address = *IpAddress::from_bytes(bytes);
    const auto length = static_cast<std::uint8_t>(random() % (address.bits() + 1U));
    const IpPrefix around = IpPrefix::containing(address, length);
    REQUIRE(around.contains(address));
    REQUIRE(around.first() <= address);
    REQUIRE(address <= around.last());
    REQUIRE(IpPrefix::make(around.address(), length) == around);
    if (const auto before = around.first().previous()) REQUIRE_FALSE(around.contains(*before));
    if (const auto after = around.last().next()) REQUIRE_FALSE(around.contains(*after));
  }
}

TEST_CASE("prefix: a range becomes the fewest prefixes", "[unit][base]")
{
  CHECK(prefixes_for_range(ip("0.0.0.0"), ip("255.255.255.255")) ==
        std::vector{prefix("0.0.0.0/0")});
  CHECK(prefixes_for_range(ip("192.0.2.0"), ip("192.0.2.41")) ==
        std::vector{prefix("192.0.2.0/27"), prefix("192.0.2.32/29"), prefix("192.0.2.40/31")});
  CHECK(prefixes_for_range(ip("10.0.0.7"), ip("10.0.0.7")) == std::vector{prefix("10.0.0.7/32")});
  CHECK(prefixes_for_range(ip("10.0.0.7"), ip("10.0.0.6")).empty());
  CHECK(prefixes_for_range(ip("10.0.0.7"), ip("::")).empty());
  CHECK(prefixes_for_range(ip("::1"), ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe")).size() == 254);
}

TEST_CASE("prefix: the prefixes of a range hold it and nothing else", "[unit][base]")
{
  std::mt19937_64 random{4};
  for (int round = 0; round < 200; ++round) {
    auto a = IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(random())});
    auto b = IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(random())});
    if (b < a) std::swap(a, b);
    std::optional<IpAddress> expected = a;
    for (const IpPrefix& one : prefixes_for_range(a, b)) {
      REQUIRE(expected == one.first());
      expected = one.last().next();
    }
    REQUIRE(expected == b.next());
  }
}

TEST_CASE("interface address: keeps the host part", "[unit][base]")
{
  const auto parsed = IpInterfaceAddress::parse("10.0.0.2/24");
  REQUIRE(parsed);
  CHECK(parsed->address == ip("10.0.0.2"));
  CHECK(parsed->prefix_length_bits == 24);
  CHECK(parsed->to_string() == "10.0.0.2/24");
  CHECK_FALSE(IpInterfaceAddress::parse("10.0.0.2/33"));
}

TEST_CASE("endpoint: text goes both ways", "[unit][base]")
{
  const auto* text = GENERATE("192.0.2.1:443", "[2001:db8::1]:4242", "0.0.0.0:0", "[::]:65535");
  const auto parsed = UdpEndpoint::parse(text);
  REQUIRE(parsed);
  CHECK(parsed->to_string() == text);
}

TEST_CASE("endpoint: refuses what is none", "[unit][base]")
{
  const auto* text = GENERATE("", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "2001:db8::1:443",
                              "[192.0.2.1]:443", "[::1]", "[::1]443", ":443", "[]:1", "host:443",
                              "1.2.3.4:4 4", "1.2.3.4:-1");
  INFO(text);
  CHECK_FALSE(UdpEndpoint::parse(text));
}

TEST_CASE("ip: addresses and endpoints can be hashed", "[unit][base]")
{
  std::unordered_set<IpAddress> addresses{ip("10.0.0.1"), ip("10.0.0.2"), ip("::"), ip("0.0.0.0")};
  CHECK(addresses.size() == 4);
  CHECK(addresses.contains(ip("10.0.0.2")));
  std::unordered_set<UdpEndpoint> endpoints{{ip("10.0.0.1"), 1}, {ip("10.0.0.1"), 2}};
  CHECK(endpoints.contains({ip("10.0.0.1"), 2}));
  CHECK_FALSE(endpoints.contains({ip("10.0.0.1"), 3}));
}

}  // namespace slopn
