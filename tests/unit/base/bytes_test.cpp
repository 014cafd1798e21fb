#include "libtunnel/base/bytes.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>

namespace slopn {
namespace {

ByteVector some_bytes(std::mt19937_64& random, std::size_t size)
{
  ByteVector bytes(size);
  for (auto& b : bytes) b = static_cast<std::byte>(random() & 0xffU);
  return bytes;
}

ByteVector text_bytes(std::string_view text)
{
  const ByteView bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("bytes: hex goes both ways", "[unit][base]")
{
  std::mt19937_64 random{1};
  for (std::size_t size = 0; size < 100; ++size) {
    const ByteVector bytes = some_bytes(random, size);
    CHECK(from_hex(to_hex(bytes)) == bytes);
  }
  CHECK(to_hex(text_bytes("\x01\xab")) == "01ab");
  CHECK(from_hex("01AB") == text_bytes("\x01\xab"));
}

TEST_CASE("bytes: hex refuses everything else", "[unit][base]")
{
  const auto* text = GENERATE("0", "0g", "0x01", " 01", "01 ", "-1");
  CHECK_FALSE(from_hex(text));
}

TEST_CASE("bytes: base64url goes both ways", "[unit][base]")
{
  std::mt19937_64 random{2};
  for (std::size_t size = 0; size < 100; ++size) {
    const ByteVector bytes = some_bytes(random, size);
    const std::string text = to_base64url(bytes);
    CHECK(text.find_first_of("+/=") == std::string::npos);
    CHECK(from_base64(text) == bytes);
  }
}

TEST_CASE("bytes: the test vectors of RFC 4648 section 10", "[unit][base]")
{
  struct Vector {
    const char* plain;
    const char* padded;
    const char* bare;
  };
  const auto vector =
      GENERATE(Vector{"", "", ""}, Vector{"f", "Zg==", "Zg"}, Vector{"fo", "Zm8=", "Zm8"},
               Vector{"foo", "Zm9v", "Zm9v"}, Vector{"foob", "Zm9vYg==", "Zm9vYg"},
               Vector{"fooba", "Zm9vYmE=", "Zm9vYmE"}, Vector{"foobar", "Zm9vYmFy", "Zm9vYmFy"});
  CHECK(to_base64url(as_bytes(vector.plain)) == vector.bare);
  CHECK(from_base64(vector.bare) == text_bytes(vector.plain));
  CHECK(from_base64(vector.padded) == text_bytes(vector.plain));
}

TEST_CASE("bytes: base64 accepts both alphabets", "[unit][base]")
{
  CHECK(from_base64("-_8") == from_base64("+/8="));
  CHECK(from_base64("-_8") == text_bytes("\xfb\xff"));
}

TEST_CASE("bytes: base64 refuses everything else", "[unit][base]")
{
  const auto* text =
      GENERATE("A", "AAAAA", "A===", "A=A=", "Zg=== ", "Z g", "Zg\n", "Zh", "Zm9", "é", "====");
  INFO(text);
  CHECK_FALSE(from_base64(text));
}

TEST_CASE("bytes: equal in constant time is equal", "[unit][base]")
{
  CHECK(equal_constant_time(text_bytes("abc"), text_bytes("abc")));
  CHECK(equal_constant_time({}, {}));
  CHECK_FALSE(equal_constant_time(text_bytes("abc"), text_bytes("abd")));
  CHECK_FALSE(equal_constant_time(text_bytes("abc"), text_bytes("xbc")));
  CHECK_FALSE(equal_constant_time(text_bytes("abc"), text_bytes("ab")));
}

}  // namespace slopn
