#include "libtunnel/core/wire/http_datagram.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/support/hex.hpp"

namespace slopn::wire {

using test::hex;

TEST_CASE("datagram: two zero bytes stand before the packets of stream 0", "[unit][wire]")
{
  const HttpDatagramPrefix prefix{0};
  CHECK(ByteVector(prefix.view().begin(), prefix.view().end()) == hex("0000"));
}

TEST_CASE("datagram: parses what the prefix says", "[unit][wire]")
{
  const std::uint64_t stream_id = GENERATE(0U, 4U, 252U, 256U, 65536U, 0x3ffffffffffffffcU);
  const std::uint64_t context_id = GENERATE(std::uint64_t{0}, std::uint64_t{2}, kMaxVarint);
  const HttpDatagramPrefix prefix{stream_id, context_id};
  const ByteVector bytes = test::concat(prefix.view(), hex("4500"));
  const auto parsed = parse_http_datagram(bytes);
  REQUIRE(parsed);
  CHECK(parsed->stream_id == stream_id);
  CHECK(parsed->context_id == context_id);
  CHECK(parsed->payload.size() == 2);
  CHECK(parsed->payload.data() == bytes.data() + prefix.view().size());
}

TEST_CASE("datagram: the largest quarter stream id is 2^60-1", "[unit][wire]")
{
  CHECK(parse_http_datagram(hex("cfffffffffffffff 00")));
  CHECK_FALSE(parse_http_datagram(hex("d000000000000000 00")));
  CHECK_FALSE(parse_http_datagram(hex("ffffffffffffffff 00")));
}

TEST_CASE("datagram: an unreadable stream id is an error", "[unit][wire]")
{
  CHECK_FALSE(parse_http_datagram({}));
  CHECK_FALSE(parse_http_datagram(hex("40")));
  CHECK_FALSE(parse_http_datagram(hex("c0000000000000")));
}

TEST_CASE("datagram: a missing context id only costs the datagram", "[unit][wire]")
{
  const auto* text = GENERATE("00", "00 40", "00 c0000000");
  const ByteVector bytes = hex(text);
  const auto parsed = parse_http_datagram(bytes);
  REQUIRE(parsed);
  CHECK_FALSE(parsed->context_id);
}

TEST_CASE("datagram: the payload may be empty", "[unit][wire]")
{
  const ByteVector bytes = hex("00 00");
  const auto parsed = parse_http_datagram(bytes);
  REQUIRE(parsed);
  CHECK(parsed->context_id == 0U);
  CHECK(parsed->payload.empty());
}

TEST_CASE("datagram: long forms of both ids are accepted", "[unit][wire]")
{
  const ByteVector bytes = hex("c000000000000001 80000002 ff");
  const auto parsed = parse_http_datagram(bytes);
  REQUIRE(parsed);
  CHECK(parsed->stream_id == 4);
  CHECK(parsed->context_id == 2U);
  CHECK(parsed->payload.size() == 1);
}

}  // namespace slopn::wire
