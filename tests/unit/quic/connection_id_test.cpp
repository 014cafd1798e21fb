#include <catch2/catch_test_macros.hpp>
#include <set>

#include "libtunnel/quic/connection_id.hpp"
#include "tests/support/hex.hpp"

using namespace slopn;
using namespace slopn::quic;

TEST_CASE("connection id: holds zero to twenty bytes", "[unit][quic]")
{
  CHECK(ConnectionId{}.bytes().empty());
  CHECK(to_hex(ConnectionId{test::hex("0102")}.bytes()) == "0102");
  CHECK(ConnectionId{ByteVector(20)}.bytes().size() == 20);
  CHECK(ConnectionId{ByteVector(40)}.bytes().size() == 20);
}

TEST_CASE("connection id: equal bytes are equal ids, whatever was there before", "[unit][quic]")
{
  ConnectionId id{test::hex("ffffffff")};
  id = ConnectionId{test::hex("0102")};
  CHECK(id == ConnectionId{test::hex("0102")});
  CHECK(id != ConnectionId{test::hex("010200")});
  CHECK(std::hash<ConnectionId>{}(id) ==
        std::hash<ConnectionId>{}(ConnectionId{test::hex("0102")}));
}

TEST_CASE("connection id: the factory names its worker and never repeats itself", "[unit][quic]")
{
  const ConnectionIdFactory factory{7};
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const ConnectionId id = factory.make();
    REQUIRE(id.bytes().size() == ConnectionIdFactory::kBytes);
    REQUIRE(id.bytes()[0] == std::byte{7});
    REQUIRE(seen.insert(to_hex(id.bytes())).second);
  }
}
