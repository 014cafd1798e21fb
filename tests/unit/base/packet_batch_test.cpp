#include "libtunnel/base/packet_batch.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/hex.hpp"

namespace slopn {

TEST_CASE("batch: keeps packets in order until it is cleared", "[unit][base]")
{
  PacketBatch batch{2, 4};
  CHECK(batch.empty());
  CHECK(batch.append(test::hex("aabb")));
  batch.next_slot()[0] = std::byte{0xcc};
  batch.commit(1);
  CHECK(batch.full());
  REQUIRE(batch.size() == 2);
  CHECK(to_hex(batch.packets()[0].bytes) == "aabb");
  CHECK(to_hex(batch.packets()[1].bytes) == "cc");
  batch.clear();
  CHECK(batch.empty());
  CHECK(batch.append(test::hex("dd")));
  CHECK(to_hex(batch.packets()[0].bytes) == "dd");
}

TEST_CASE("batch: takes no packet that does not fit", "[unit][base]")
{
  PacketBatch batch{1, 4};
  CHECK_FALSE(batch.append(ByteVector(5)));
  CHECK(batch.append(ByteVector(4)));
  CHECK_FALSE(batch.append(ByteVector(1)));
}

TEST_CASE("batch: the memory of its packets stays where it is", "[unit][base]")
{
  PacketBatch batch{8, 4};
  const std::byte* first = batch.next_slot().data();
  for (int i = 0; i < 8; ++i) REQUIRE(batch.append(ByteVector(1)));
  CHECK(batch.packets()[0].bytes.data() == first);
  batch.clear();
  CHECK(batch.next_slot().data() == first);
}

}  // namespace slopn
