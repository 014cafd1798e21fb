#include "libtunnel/core/wire/checksum.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string_view>
#include <vector>

#include "libtunnel/core/wire/checksum_variants.hpp"
#include "tests/unit/core/offload/packets.hpp"

namespace slopn::wire {
namespace {

using test::plain_sum;

std::vector<ChecksumVariant> all_variants()
{
  const auto wide = wide_checksum_variants();
  std::vector<ChecksumVariant> variants{wide.begin(), wide.end()};
  variants.push_back({"scalar", &sum_words_scalar});
  variants.push_back({"chosen", &sum_words});
  return variants;
}

TEST_CASE("checksum: each variant sums every short length from every alignment", "[unit][offload]")
{
  test::Random random{1};
  const ByteVector bytes = test::random_bytes(random, 300);
  for (const auto& variant : all_variants()) {
    INFO(variant.name);
    for (std::size_t start = 0; start < 66; ++start)
      for (std::size_t size = 0; size <= 200; ++size) {
        const ByteView part = ByteView{bytes}.subspan(start, size);
        if (fold(variant.sum(part)) != plain_sum(part)) FAIL(start << ' ' << size);
      }
  }
}

TEST_CASE("checksum: each variant sums long and extreme inputs", "[unit][offload]")
{
  test::Random random{2};
  const ByteVector bytes = test::random_bytes(random, 70'000);
  const ByteVector ones(70'000, std::byte{0xff});
  const ByteVector zeros(70'000);
  const ByteVector megabytes(3'000'001, std::byte{0xff});
  for (const auto& variant : all_variants()) {
    INFO(variant.name);
    for (int round = 0; round < 300; ++round) {
      const std::size_t start = test::between(random, 0, 70);
      const std::size_t size = test::between(random, 0, 65'575);
      for (const ByteVector* source : {&bytes, &ones, &zeros}) {
        const ByteView part = ByteView{*source}.subspan(start, size);
        REQUIRE(fold(variant.sum(part)) == plain_sum(part));
      }
    }
    CHECK(fold(variant.sum(megabytes)) == plain_sum(megabytes));
  }
}

TEST_CASE("checksum: folding keeps every carry", "[unit][offload]")
{
  CHECK(fold(0) == 0);
  CHECK(fold(0xffff) == 0xffff);
  CHECK(fold(0x10000) == 1);
  CHECK(fold(~std::uint64_t{0}) == 0xffff);
  CHECK(fold(0xffff'ffff'0000'0001) == 1);
  CHECK(fold(0xffff'fffe'ffff'ffff) == 0xfffe);
}

TEST_CASE("checksum: the chosen variant is the best there is", "[unit][offload]")
{
  const auto wide = wide_checksum_variants();
  const std::string_view best = wide.empty() ? "scalar" : wide.front().name;
  CHECK(checksum_instructions() == best);
}

}  // namespace
}  // namespace slopn::wire
