#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "libtunnel/core/wire/varint.hpp"
#include "tests/support/hex.hpp"

namespace slopn::wire {

TEST_CASE("varint: the examples of RFC 9000 appendix A.1", "[conformance][wire]")
{
  struct Example {
    const char* bytes;
    std::uint64_t value;
  };
  const auto example =
      GENERATE(Example{"c2 19 7c 5e ff 14 e8 8c", 151288809941952652},
               Example{"9d 7f 3e 7d", 494878333}, Example{"7b bd", 15293}, Example{"25", 37});
  const ByteVector bytes = test::hex(example.bytes);

  ByteView in = bytes;
  CHECK(read_varint(in) == example.value);
  CHECK(in.empty());

  ByteVector out;
  append_varint(out, example.value);
  CHECK(out == bytes);
}

TEST_CASE("varint: the two-byte form of 37 in RFC 9000 appendix A.1 is accepted",
          "[conformance][wire]")
{
  const ByteVector bytes = test::hex("40 25");
  ByteView in = bytes;
  CHECK(read_varint(in) == 37U);
}

TEST_CASE("varint: the ranges of RFC 9000 table 4", "[conformance][wire]")
{
  CHECK(varint_size(63) == 1);
  CHECK(varint_size(64) == 2);
  CHECK(varint_size(16383) == 2);
  CHECK(varint_size(16384) == 4);
  CHECK(varint_size(1073741823) == 4);
  CHECK(varint_size(1073741824) == 8);
  CHECK(varint_size(4611686018427387903) == 8);
  CHECK(kMaxVarint == 4611686018427387903);
}

}  // namespace slopn::wire
