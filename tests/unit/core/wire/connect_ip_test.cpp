#include "libtunnel/core/wire/connect_ip.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>

#include "libtunnel/core/wire/capsule.hpp"
#include "libtunnel/core/wire/varint.hpp"
#include "tests/support/catch_result.hpp"
#include "tests/support/hex.hpp"

namespace slopn::wire {
namespace {

using test::hex;
using test::ip;
using test::prefix;

template <class T>
bool is_violation(const Result<T>& result)
{
  return !result && result.error().code == make_error_code(Errc::protocol_violation);
}

// The value of an appended capsule, without its type and length.
ByteVector value_of(const ByteVector& capsule)
{
  ByteView rest = capsule;
  (void)read_varint(rest);
  const auto length = read_varint(rest);
  REQUIRE(length == rest.size());
  return {rest.begin(), rest.end()};
}

IpAddress random_address(std::mt19937_64& random)
{
  ByteVector bytes(random() % 2 == 0 ? 4 : 16);
  for (auto& b : bytes) b = static_cast<std::byte>(random() & 0xffU);
  return *IpAddress::from_bytes(bytes);
}

}  // namespace

TEST_CASE("address assign: an empty list means that nothing is left", "[unit][wire]")
{
  const auto parsed = parse_address_assign({});
  REQUIRE(parsed);
  CHECK(parsed->empty());
}

TEST_CASE("address capsules: refuse malformed entries", "[unit][wire]")
{
  const auto* text = GENERATE("01 05 c0000201 20",  // no IP version
                              "01 00 c0000201 20",  //
                              "01 04 c0000200 21",  // prefix longer than 32 bits
                              "01 04 c0000201 18",  // host bits set
                              "01 04 00000001 00",  //
                              "01 06 20010db8000000000000000000000000 81",
                              "01 06 20010db8000000000000000000000001 40",
                              "01 04 c0000201",        // no prefix length
                              "01 04 c00002",          // half an address
                              "01 04", "01",           //
                              "01 04 c0000201 20 00",  // trailing byte
                              "01 06 c0000201 20",     // an IPv4 address as IPv6
                              "40");                   // half a request id
  const ByteVector value = hex(text);
  CHECK(is_violation(parse_address_assign(value)));
  CHECK(is_violation(parse_address_request(value)));
}

TEST_CASE("address assign: reads prefixes of any length", "[unit][wire]")
{
  const auto parsed = parse_address_assign(
      hex("00 04 0a000000 08  40ff 06 20010db8000000000000000000000000 20  05 04 00000000 00"));
  REQUIRE(parsed);
  CHECK(*parsed == std::vector{AssignedAddress{0, prefix("10.0.0.0/8")},
                               AssignedAddress{255, prefix("2001:db8::/32")},
                               AssignedAddress{5, prefix("0.0.0.0/0")}});
}

TEST_CASE("address assign: only the all-zero host is a refusal", "[unit][wire]")
{
  CHECK(is_refusal({1, prefix("0.0.0.0/32")}));
  CHECK(is_refusal({1, prefix("::/128")}));
  CHECK_FALSE(is_refusal({1, prefix("0.0.0.0/0")}));
  CHECK_FALSE(is_refusal({1, prefix("::/0")}));
  CHECK_FALSE(is_refusal({1, prefix("192.0.2.1/32")}));
}

TEST_CASE("address request: wants at least one entry", "[unit][wire]")
{
  CHECK(is_violation(parse_address_request({})));
}

TEST_CASE("address request: request id 0 is not allowed", "[unit][wire]")
{
  CHECK(is_violation(parse_address_request(hex("00 04 00000000 20"))));
}

TEST_CASE("address request: no request id may occur twice", "[unit][wire]")
{
  CHECK(is_violation(parse_address_request(hex("01 04 00000000 20 4001 04 0a000000 20"))));
}

TEST_CASE("address request: an all-zero address keeps the wished length", "[unit][wire]")
{
  const auto parsed =
      parse_address_request(hex("01 04 00000000 1e  02 06 00000000000000000000000000000000 40"));
  REQUIRE(parsed);
  CHECK(*parsed == std::vector{RequestedAddress{1, prefix("0.0.0.0/30")},
                               RequestedAddress{2, prefix("::/64")}});
}

TEST_CASE("address capsules: hold at most a thousand entries", "[unit][wire]")
{
  std::vector<AssignedAddress> many(kMaxCapsuleEntries, {0, prefix("10.0.0.1/32")});
  ByteVector out;
  append_address_assign(out, many);
  CHECK(parse_address_assign(value_of(out)));
  many.push_back(many.front());
  out.clear();
  append_address_assign(out, many);
  CHECK(is_violation(parse_address_assign(value_of(out))));
}

TEST_CASE("address capsules: parse what was appended", "[unit][wire]")
{
  std::mt19937_64 random{2};
  for (int round = 0; round < 200; ++round) {
    std::vector<AssignedAddress> assigned;
    std::vector<RequestedAddress> requested;
    for (std::uint64_t i = 1; i <= random() % 20 + 1; ++i) {
      const IpAddress address = random_address(random);
      const auto length = static_cast<std::uint8_t>(random() % (address.bits() + 1U));
      assigned.push_back({random() >> 2U, IpPrefix::containing(address, length)});
      requested.push_back({i * 1000, assigned.back().prefix});
    }
    ByteVector out;
    append_address_assign(out, assigned);
    REQUIRE(*parse_address_assign(value_of(out)) == assigned);
    out.clear();
    append_address_request(out, requested);
    REQUIRE(*parse_address_request(value_of(out)) == requested);
  }
}

TEST_CASE("routes: an empty list withdraws all", "[unit][wire]")
{
  const auto parsed = parse_route_advertisement({});
  REQUIRE(parsed);
  CHECK(parsed->empty());
}

TEST_CASE("routes: refuse malformed entries", "[unit][wire]")
{
  const auto* text = GENERATE("05 00000000 ffffffff 00",  // no IP version
                              "04 0a000001 0a000000 00",  // ends before it starts
                              "06 00000000000000000000000000000001"
                              "   00000000000000000000000000000000 00",
                              "04 00000000 ffffffff",  // no protocol
                              "04 00000000 ffff",      // half an address
                              "04 00000000", "04",     //
                              "04 00000000 ffffffff 00 04");
  CHECK(is_violation(parse_route_advertisement(hex(text))));
}

TEST_CASE("routes: refuse a wrong order", "[unit][wire]")
{
  const auto* text = GENERATE(
      // IPv6 before IPv4
      "06 20010db8000000000000000000000000 20010db8000000000000000000000001 00"
      "04 0a000000 0a0000ff 00",
      // protocol 17 before protocol 6
      "04 0a000000 0a0000ff 11  04 0b000000 0b0000ff 06",
      // the later range first
      "04 0b000000 0b0000ff 00  04 0a000000 0a0000ff 00",
      // overlapping by one address
      "04 0a000000 0a0000ff 00  04 0a0000ff 0a0001ff 00",
      // twice the same
      "04 0a000000 0a0000ff 00  04 0a000000 0a0000ff 00",
      // one inside the other
      "04 0a000000 0affffff 06  04 0a000100 0a0001ff 06");
  CHECK(is_violation(parse_route_advertisement(hex(text))));
}

TEST_CASE("routes: accept the right order", "[unit][wire]")
{
  const auto parsed = parse_route_advertisement(
      hex("04 0b000000 0b0000ff 06"  // a lower protocol may have higher addresses
          "04 0a000000 0a0000ff 11"
          "04 0a000100 0a000100 11"  // touching the one before, and a single address
          "06 00000000000000000000000000000000 ffffffffffffffffffffffffffffffff 00"));
  REQUIRE(parsed);
  CHECK(parsed->size() == 4);
}

TEST_CASE("routes: hold at most a thousand entries", "[unit][wire]")
{
  std::vector<IpRange> ranges;
  IpAddress at = ip("10.0.0.0");
  for (std::size_t i = 0; i <= kMaxCapsuleEntries; ++i) {
    ranges.push_back({at, at, 0});
    at = *at.next()->next();
  }
  ByteVector out;
  append_route_advertisement(out, ranges);
  CHECK(is_violation(parse_route_advertisement(value_of(out))));
  ranges.pop_back();
  out.clear();
  append_route_advertisement(out, ranges);
  CHECK(parse_route_advertisement(value_of(out)));
}

TEST_CASE("routes: normalized sorts, joins and cuts", "[unit][wire]")
{
  const auto result = normalized({{ip("2001:db8::"), ip("2001:db8::ff"), 0},
                                  {ip("10.0.1.0"), ip("10.0.1.255"), 0},
                                  {ip("10.0.0.0"), ip("10.0.0.255"), 0},    // touches
                                  {ip("10.0.0.128"), ip("10.0.1.10"), 0},   // overlaps
                                  {ip("9.255.255.0"), ip("10.1.0.0"), 17},  // around both
                                  {ip("10.0.0.1"), ip("10.0.0.2"), 6},      // covered
                                  {ip("10.0.0.1"), ip("2001:db8::"), 0},    // nonsense
                                  {ip("10.0.0.9"), ip("10.0.0.1"), 0}});
  CHECK(result == std::vector<IpRange>{{ip("10.0.0.0"), ip("10.0.1.255"), 0},
                                       {ip("9.255.255.0"), ip("9.255.255.255"), 17},
                                       {ip("10.0.2.0"), ip("10.1.0.0"), 17},
                                       {ip("2001:db8::"), ip("2001:db8::ff"), 0}});
}

TEST_CASE("routes: normalized copes with the ends of the address space", "[unit][wire]")
{
  const IpRange everything = range_of(IpPrefix::all(IpVersion::v4));
  CHECK(normalized({everything,
                    {ip("255.255.255.0"), ip("255.255.255.255"), 0},
                    {ip("0.0.0.0"), ip("255.255.255.255"), 6}}) == std::vector{everything});
}

TEST_CASE("routes: what is normalized is accepted, and parsed as it was", "[unit][wire]")
{
  std::mt19937_64 random{3};
  for (int round = 0; round < 300; ++round) {
    std::vector<IpRange> ranges;
    for (std::uint64_t i = 0; i < random() % 12; ++i) {
      const auto a = IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(random())});
      const auto b = IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(random())});
      ranges.push_back({std::min(a, b), std::max(a, b), static_cast<std::uint8_t>(random() % 3)});
    }
    const auto sorted = normalized(ranges);
    ByteVector out;
    append_route_advertisement(out, sorted);
    const auto parsed = parse_route_advertisement(value_of(out));
    REQUIRE(parsed);
    REQUIRE(*parsed == sorted);

    // The same addresses are routed as before, protocol by protocol.
    const auto routed = [](const std::vector<IpRange>& in, const IpAddress& to, int protocol) {
      for (const IpRange& range : in) {
        if ((range.protocol == 0 || range.protocol == protocol) && range.contains(to)) return true;
      }
      return false;
    };
    for (int host = 0; host < 256; ++host) {
      const auto to = IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(host)});
      for (const int protocol : {1, 2, 3})
        REQUIRE(routed(sorted, to, protocol) == routed(ranges, to, protocol));
    }
  }
}

}  // namespace slopn::wire
