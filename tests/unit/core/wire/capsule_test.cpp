#include "libtunnel/core/wire/capsule.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <utility>

#include "tests/support/catch_result.hpp"
#include "tests/support/hex.hpp"

namespace slopn::wire {
namespace {

using test::hex;

struct Seen {
  std::uint64_t type;
  ByteVector value;
  friend bool operator==(const Seen&, const Seen&) = default;
};

class Recorder final : public CapsuleSink {
 public:
  Result<> on_capsule(std::uint64_t type, ByteView value) override
  {
    seen.push_back({type, {value.begin(), value.end()}});
    if (refuse) return fail(Errc::protocol_violation, "refused by the test");
    return {};
  }

  std::vector<Seen> seen;
  bool refuse = false;
};

const std::vector<CapsuleType> kAll = {CapsuleType::datagram, CapsuleType::address_assign,
                                       CapsuleType::address_request,
                                       CapsuleType::route_advertisement};

bool is_violation(const Result<>& result)
{
  return !result && result.error().code == make_error_code(Errc::protocol_violation);
}

}  // namespace

TEST_CASE("capsule: passes on the capsules of a stream in order", "[unit][wire]")
{
  CapsuleParser parser{kAll};
  Recorder sink;
  REQUIRE(parser.feed(hex("01 02 aabb  03 00  02 01 cc"), sink));
  CHECK(sink.seen == std::vector<Seen>{{1, hex("aabb")}, {3, {}}, {2, hex("cc")}});
  CHECK(parser.finish());
}

TEST_CASE("capsule: does not care how the stream is cut", "[unit][wire]")
{
  Recorder whole;
  CapsuleParser first{kAll};
  const ByteVector valid = hex("01 4002 aabb  29 03 010203  c000000000000003 00  02 01 cc");
  REQUIRE(first.feed(valid, whole));
  REQUIRE(whole.seen.size() == 3);

  const std::size_t step = GENERATE(1U, 2U, 3U, 5U, 7U);
  Recorder cut;
  CapsuleParser second{kAll};
  for (std::size_t at = 0; at < valid.size(); at += step)
    REQUIRE(second.feed(ByteView{valid}.subspan(at, std::min(step, valid.size() - at)), cut));
  CHECK(cut.seen == whole.seen);
  CHECK(second.finish());
}

TEST_CASE("capsule: skips an unknown type without buffering it", "[unit][wire]")
{
  CapsuleParser parser{kAll};
  Recorder sink;
  // Type 0x29, a length of 2^32; one mebibyte of it.
  REQUIRE(parser.feed(hex("29 c000000100000000"), sink));
  const ByteVector part(std::size_t{1} << 20U);
  REQUIRE(parser.feed(part, sink));
  CHECK(parser.buffered_bytes() == 0);
  CHECK(sink.seen.empty());
  CHECK(is_violation(parser.finish()));  // it was promised more
}

TEST_CASE("capsule: goes on after an unknown type", "[unit][wire]")
{
  CapsuleParser parser{kAll};
  Recorder sink;
  REQUIRE(parser.feed(hex("29 02 ffff  9ace79ec 00  01 01 aa"), sink));
  CHECK(sink.seen == std::vector<Seen>{{1, hex("aa")}});
}

TEST_CASE("capsule: skips types nobody wanted", "[unit][wire]")
{
  CapsuleParser parser{{CapsuleType::address_assign}};
  Recorder sink;
  REQUIRE(parser.feed(hex("03 01 00  01 01 aa  00 02 0000"), sink));
  CHECK(sink.seen == std::vector<Seen>{{1, hex("aa")}});
}

TEST_CASE("capsule: refuses a wanted value longer than the maximum", "[unit][wire]")
{
  CapsuleParser parser{kAll};
  Recorder sink;
  CHECK(is_violation(parser.feed(hex("01 80004001"), sink)));  // 16385
  CHECK(parser.buffered_bytes() == 0);
}

TEST_CASE("capsule: takes a wanted value of exactly the maximum", "[unit][wire]")
{
  CapsuleParser parser{kAll};
  Recorder sink;
  REQUIRE(parser.feed(hex("01 80004000"), sink));
  const ByteVector half(CapsuleParser::kMaxValueBytes / 2, std::byte{7});
  REQUIRE(parser.feed(half, sink));
  CHECK(parser.buffered_bytes() == half.size());
  REQUIRE(parser.feed(half, sink));
  REQUIRE(sink.seen.size() == 1);
  CHECK(sink.seen[0].value == ByteVector(CapsuleParser::kMaxValueBytes, std::byte{7}));
}

TEST_CASE("capsule: drops a DATAGRAM that is too long instead of failing", "[unit][wire]")
{
  CapsuleParser parser{kAll};
  Recorder sink;
  REQUIRE(parser.feed(hex("00 80004001"), sink));
  REQUIRE(parser.feed(ByteVector(16385), sink));
  REQUIRE(parser.feed(hex("01 00"), sink));
  CHECK(sink.seen == std::vector<Seen>{{1, {}}});
}

TEST_CASE("capsule: the end of the stream inside a capsule is malformed", "[unit][wire]")
{
  const auto* text = GENERATE("01", "40", "01 40", "01 02", "01 02 aa", "29 05 00");
  CapsuleParser parser{kAll};
  Recorder sink;
  REQUIRE(parser.feed(hex(text), sink));
  CHECK(is_violation(parser.finish()));
}

TEST_CASE("capsule: the end of the stream between capsules is fine", "[unit][wire]")
{
  CapsuleParser parser{kAll};
  Recorder sink;
  CHECK(parser.finish());
  REQUIRE(parser.feed(hex("01 01 aa 29 01 00"), sink));
  CHECK(parser.finish());
}

TEST_CASE("capsule: stays broken after an error", "[unit][wire]")
{
  CapsuleParser parser{kAll};
  Recorder sink;
  sink.refuse = true;
  CHECK(is_violation(parser.feed(hex("01 00 01 00"), sink)));
  CHECK(sink.seen.size() == 1);
  sink.refuse = false;
  CHECK(is_violation(parser.feed(hex("01 00"), sink)));
  CHECK(is_violation(parser.finish()));
  CHECK(sink.seen.size() == 1);
}

TEST_CASE("capsule: parses what was appended", "[unit][wire]")
{
  ByteVector stream;
  const ByteVector value(300, std::byte{9});
  append_capsule(stream, CapsuleType::route_advertisement, value);
  append_capsule(stream, CapsuleType::datagram, {});
  CapsuleParser parser{kAll};
  Recorder sink;
  REQUIRE(parser.feed(stream, sink));
  CHECK(sink.seen == std::vector<Seen>{{3, value}, {0, {}}});
}

}  // namespace slopn::wire
