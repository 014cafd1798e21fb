#include <catch2/catch_test_macros.hpp>

#include "libtunnel/session/packet_queue.hpp"
#include "tests/support/hex.hpp"

using namespace slopn;
using namespace slopn::test;

TEST_CASE("packet queue: gives packets back in order", "[unit][session]")
{
  session::PacketQueue queue{100};
  CHECK(queue.empty());
  REQUIRE(queue.push(hex("0102")));
  REQUIRE(queue.push(hex("03")));
  CHECK(queue.size_bytes() == 3);
  CHECK(to_hex(queue.front()) == "0102");
  queue.pop();
  CHECK(to_hex(queue.front()) == "03");
  queue.pop();
  CHECK(queue.empty());
  CHECK(queue.size_bytes() == 0);
}

TEST_CASE("packet queue: refuses what exceeds its limit, and only that", "[unit][session]")
{
  session::PacketQueue queue{10};
  CHECK(queue.push(ByteVector(6)));
  CHECK_FALSE(queue.push(ByteVector(5)));
  CHECK(queue.push(ByteVector(4)));
  CHECK_FALSE(queue.push(ByteVector(1)));
  queue.pop();
  CHECK(queue.push(ByteVector(6)));
  CHECK(queue.size_bytes() == 10);
}
