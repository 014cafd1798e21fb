#include "libtunnel/core/wire/varint.hpp"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>

#include "tests/support/hex.hpp"

namespace slopn::wire {

TEST_CASE("varint: reads back what was appended", "[unit][wire]")
{
  std::mt19937_64 random{1};
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t value = random() >> (2 + random() % 62);
    ByteVector bytes;
    append_varint(bytes, value);
    REQUIRE(bytes.size() == varint_size(value));
    ByteView in = bytes;
    REQUIRE(read_varint(in) == value);
    REQUIRE(in.empty());
  }
}

TEST_CASE("varint: accepts every longer form", "[unit][wire]")
{
  const auto* text = GENERATE("05", "4005", "80000005", "c000000000000005");
  const ByteVector bytes = test::hex(text);
  ByteView in = bytes;
  CHECK(read_varint(in) == 5U);
  CHECK(in.empty());
}

TEST_CASE("varint: leaves a truncated one where it is", "[unit][wire]")
{
  const auto* text = GENERATE("", "40", "800000", "c0000000000000");
  const ByteVector bytes = test::hex(text);
  ByteView in = bytes;
  CHECK_FALSE(read_varint(in));
  CHECK(in.size() == bytes.size());
}

TEST_CASE("varint: takes only its own bytes", "[unit][wire]")
{
  const ByteVector bytes = test::hex("7bbd ff");
  ByteView in = bytes;
  CHECK(read_varint(in) == 15293U);
  CHECK(in.size() == 1);
}

TEST_CASE("varint: is not written where it does not fit", "[unit][wire]")
{
  std::array<std::byte, 8> out{};
  CHECK(put_varint(MutableByteView{out}.first(1), 64) == 0);
  CHECK(out[0] == std::byte{0});
  CHECK(put_varint(MutableByteView{out}.first(2), 64) == 2);
  CHECK(put_varint(out, kMaxVarint) == 8);
}

}  // namespace slopn::wire
