#include "libtunnel/core/offload/segmenter.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <limits>
#include <vector>

#include "tests/support/hex.hpp"
#include "tests/unit/core/offload/packets.hpp"

namespace slopn::offload {
namespace {

using test::FlowPacket;
using test::get16;
using test::get32;
using test::put16;
using Split = Offload::Split;
using Packets = std::vector<ByteVector>;

constexpr std::size_t kNoLimit = 65'575;

ByteVector joined(const Segmenter::Piece& piece)
{
  ByteVector packet{piece.header.begin(), piece.header.end()};
  packet.insert(packet.end(), piece.payload.begin(), piece.payload.end());
  return packet;
}

Packets all_pieces(Segmenter& segmenter)
{
  Packets pieces;
  for (; !segmenter.done(); segmenter.advance()) {
    REQUIRE(segmenter.piece_bytes() == segmenter.piece().packet_bytes());
    pieces.push_back(joined(segmenter.piece()));
  }
  REQUIRE(segmenter.remaining_bytes() == 0);
  return pieces;
}

bool opens(ByteVector packet, const Offload& offload, std::size_t mtu_bytes = kNoLimit)
{
  return Segmenter::open({packet, offload}, mtu_bytes).has_value();
}

FlowPacket random_super(test::Random& random)
{
  FlowPacket spec;
  spec.v4 = random() % 2 != 0;
  spec.tcp = random() % 2 != 0;
  spec.traffic_class = static_cast<std::uint8_t>(random());
  spec.flow_label = random() & 0xfffffU;
  spec.id = static_cast<std::uint16_t>(random());
  spec.dont_fragment = random() % 2 != 0;
  spec.sequence = static_cast<std::uint32_t>(random());
  spec.acknowledgment = static_cast<std::uint32_t>(random());
  spec.window = static_cast<std::uint16_t>(random());
  for (const unsigned flag : {test::kFin, test::kPsh, test::kEce, test::kCwr})
    if (random() % 2 != 0) spec.flags |= flag;
  spec.tcp_options = test::random_bytes(random, random() % 11 * 4);
  if (random() % 4 == 0) spec.ip_options = ByteVector(random() % 11 * 4, std::byte{1});
  const std::size_t most = 65'535 - spec.header_bytes();
  spec.payload = test::random_bytes(
      random, test::between(random, 1, random() % 2 != 0 ? most : std::min(most, 5000UL)));
  return spec;
}

// What each piece must be, said in the words of the test's own packet maker.
Packets expected_pieces(FlowPacket spec, std::size_t segment_bytes)
{
  const ByteVector all = spec.payload;
  const FlowPacket whole = spec;
  Packets pieces;
  for (std::size_t at = 0; at < all.size(); at += segment_bytes) {
    const bool last = all.size() - at <= segment_bytes;
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(at);
    spec.payload.assign(from, last ? all.end() : from + static_cast<std::ptrdiff_t>(segment_bytes));
    spec.flags = whole.flags;
    if (!last) spec.flags &= ~(test::kFin | test::kPsh);
    if (at != 0) spec.flags &= ~test::kCwr;
    spec.sequence = whole.sequence + static_cast<std::uint32_t>(at);
    spec.id = static_cast<std::uint16_t>(whole.id + pieces.size());
    pieces.push_back(test::make(spec));
  }
  return pieces;
}

TEST_CASE("segmenter: every piece of random super-packets is a right packet", "[unit][offload]")
{
  test::Random random{3};
  for (int round = 0; round < 400; ++round) {
    const FlowPacket spec = random_super(random);
    std::size_t segment_bytes = test::between(random, 8, random() % 2 != 0 ? 1460 : 200);
    if (!spec.tcp)
      segment_bytes = std::max(segment_bytes, spec.payload.size() / Segmenter::kMaxUdpPieces + 1);
    const std::size_t mtu_bytes =
        spec.tcp ? test::between(random, spec.header_bytes() + 8, 1500) : 600;
    ByteVector packet = test::make_super(spec);
    auto segmenter = Segmenter::open({packet, test::super_offload(spec, segment_bytes)}, mtu_bytes);
    REQUIRE(segmenter);
    if (spec.tcp) segment_bytes = std::min(segment_bytes, mtu_bytes - spec.header_bytes());

    const auto expected = expected_pieces(spec, segment_bytes);
    std::size_t bytes = 0;
    for (const auto& piece : expected) bytes += piece.size();
    REQUIRE(segmenter->remaining_bytes() == bytes);
    const auto pieces = all_pieces(*segmenter);
    REQUIRE(pieces == expected);
    REQUIRE(std::all_of(pieces.begin(), pieces.end(), &test::is_right));
  }
}

TEST_CASE("segmenter: a packet without offload comes out as it is", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  const ByteVector before = test::make({.v4 = v4, .payload = ByteVector(3000)});
  ByteVector packet = before;
  auto segmenter = Segmenter::open({packet, {}}, 1280);
  REQUIRE(segmenter);
  CHECK(segmenter->remaining_bytes() == before.size());
  CHECK(segmenter->piece().payload.empty());
  CHECK(all_pieces(*segmenter) == Packets{before});
}

TEST_CASE("segmenter: fills in the checksum of a packet that stays whole", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  const bool tcp = GENERATE(true, false);
  const std::size_t payload_bytes = GENERATE(0UL, 1UL, 7UL, 1000UL);
  test::Random random{4};
  FlowPacket spec{.v4 = v4, .tcp = tcp, .payload = test::random_bytes(random, payload_bytes)};
  ByteVector packet = test::make_super(spec);
  Offload offload = test::super_offload(spec, 0);
  offload.split = Split::none;
  auto segmenter = Segmenter::open({packet, offload}, 1280);
  REQUIRE(segmenter);
  CHECK(all_pieces(*segmenter) == Packets{test::make(spec)});
}

TEST_CASE("segmenter: a super-packet of one piece stays whole", "[unit][offload]")
{
  const bool tcp = GENERATE(true, false);
  FlowPacket spec{
      .tcp = tcp, .flags = test::kAck | test::kCwr | test::kPsh, .payload = ByteVector(700)};
  ByteVector packet = test::make_super(spec);
  auto segmenter = Segmenter::open({packet, test::super_offload(spec, 700)}, 1280);
  REQUIRE(segmenter);
  CHECK(segmenter->piece().payload.empty());
  CHECK(all_pieces(*segmenter) == Packets{test::make(spec)});
}

TEST_CASE("segmenter: a UDP checksum of zero is sent as ones", "[unit][offload]")
{
  FlowPacket spec{.tcp = false, .payload = ByteVector(4)};
  ByteVector packet = test::make(spec);
  // What is missing to a sum of all ones, put into the payload.
  put16(packet, 28, ~test::plain_sum(ByteView{packet}.subspan(20, 6), test::pseudo_sum(packet)));
  put16(packet, 26, test::pseudo_sum(packet));
  Offload offload = test::super_offload(spec, 0);
  SECTION("whole")
  {
    offload.split = Split::none;
    auto segmenter = Segmenter::open({packet, offload}, 1280);
    REQUIRE(segmenter);
    CHECK(get16(joined(segmenter->piece()), 26) == 0xffff);
  }
  SECTION("in pieces")
  {
    spec.payload = ByteVector(8);
    ByteVector two = test::make_super(spec);
    ByteVector piece = test::make({.tcp = false, .payload = ByteVector(4)});
    const unsigned filling =
        ~test::plain_sum(ByteView{piece}.subspan(20, 6), test::pseudo_sum(piece));
    put16(two, 28, filling);
    offload.segment_bytes = 4;
    auto segmenter = Segmenter::open({two, offload}, 1280);
    REQUIRE(segmenter);
    CHECK(get16(joined(segmenter->piece()), 26) == 0xffff);
    CHECK(test::is_right(joined(segmenter->piece())));
  }
}

TEST_CASE("segmenter: CE is marked in the present piece only", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  const bool tcp = GENERATE(true, false);
  const std::size_t segment_bytes = GENERATE(500UL, 2000UL);
  FlowPacket spec{.v4 = v4, .tcp = tcp, .traffic_class = 0xba, .payload = ByteVector(2000)};
  ByteVector packet = test::make_super(spec);
  auto segmenter = Segmenter::open({packet, test::super_offload(spec, segment_bytes)}, kNoLimit);
  REQUIRE(segmenter);
  std::size_t number = 0;
  const auto traffic_class = [&](ByteView piece) {
    return v4 ? get16(piece, 0) & 0xffU : get16(piece, 0) >> 4U & 0xffU;
  };
  for (; !segmenter->done(); segmenter->advance(), ++number) {
    const bool before_looking = number % 4 == 0;
    if (!before_looking) CHECK(traffic_class(joined(segmenter->piece())) == 0xba);
    CHECK(segmenter->ecn_capable());
    const bool mark = number % 2 == 0;
    if (mark) segmenter->mark_ce();
    if (number % 4 == 2) segmenter->mark_ce();  // a second time changes nothing
    const ByteVector piece = joined(segmenter->piece());
    CHECK(traffic_class(piece) == (mark ? 0xbbU : 0xbaU));
    CHECK(test::is_right(piece));
  }
  CHECK(number == 2000 / segment_bytes);
}

TEST_CASE("segmenter: only a sender that knows ECN is marked", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  for (const unsigned ecn : {0U, 1U, 2U, 3U}) {
    FlowPacket spec{.v4 = v4, .traffic_class = static_cast<std::uint8_t>(0x40U | ecn)};
    const ByteVector before = test::make(spec);
    ByteVector packet = before;
    auto segmenter = Segmenter::open({packet, {}}, 1280);
    REQUIRE(segmenter);
    CHECK(segmenter->ecn_capable() == (ecn != 0));
    segmenter->mark_ce();
    spec.traffic_class = ecn == 0 ? 0x40 : 0x43;
    CHECK(joined(segmenter->piece()) == test::make(spec));
  }
}

TEST_CASE("segmenter: may be moved and copied between pieces", "[unit][offload]")
{
  FlowPacket spec{.payload = ByteVector(3000)};
  ByteVector packet = test::make_super(spec);
  auto first = Segmenter::open({packet, test::super_offload(spec, 1000)}, 1280);
  REQUIRE(first);
  const auto expected = expected_pieces(spec, 1000);
  CHECK(joined(first->piece()) == expected[0]);
  first->advance();
  CHECK(joined(first->piece()) == expected[1]);
  Segmenter second = *first;
  first.reset();
  CHECK(joined(second.piece()) == expected[1]);
  second.advance();
  std::optional<Segmenter> third = std::move(second);
  CHECK(joined(third->piece()) == expected[2]);
}

TEST_CASE("segmenter: refuses a checksum field outside of the packet", "[unit][offload]")
{
  const Split split = GENERATE(Split::none, Split::tcp_v4);
  FlowPacket spec{.payload = ByteVector(3000)};
  const ByteVector packet = test::make_super(spec);
  Offload offload = test::super_offload(spec, 1000);
  offload.split = split;
  REQUIRE(opens(packet, offload));
  const auto with = [&](std::size_t start, std::size_t offset) {
    offload.checksum_start = static_cast<std::uint16_t>(start);
    offload.checksum_offset = static_cast<std::uint16_t>(offset);
    return opens(packet, offload);
  };
  CHECK(!with(20, packet.size() - 21));
  CHECK(!with(packet.size() - 1, 0));
  CHECK(!with(packet.size(), 0));
  CHECK(!with(65'535, 65'535));
  CHECK(!with(20, 65'535));
  CHECK(!with(0, 16));  // would begin in the IP header
  CHECK(!with(19, 16));
  CHECK(with(20, packet.size() - 22) == (split == Split::none));
  CHECK(with(20, 17) == (split == Split::none));
  CHECK(with(24, 12) == (split == Split::none));
}

TEST_CASE("segmenter: refuses a super-packet of another kind than it says", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  const bool tcp = GENERATE(true, false);
  FlowPacket spec{.v4 = v4, .tcp = tcp, .payload = ByteVector(3000)};
  const ByteVector packet = test::make_super(spec);
  const Offload right = test::super_offload(spec, 1000);
  REQUIRE(opens(packet, right));
  for (const Split split : {Split::tcp_v4, Split::tcp_v6, Split::udp}) {
    Offload offload = right;
    offload.split = split;
    CHECK(opens(packet, offload) == (split == right.split));
  }
  Offload offload = right;
  offload.checksum_missing = false;
  CHECK(!opens(packet, offload));
  ByteVector other = packet;
  other[0] = std::byte{0x55};
  CHECK(!opens(other, right));
  other = packet;
  other[v4 ? 9 : 6] = std::byte{132};
  CHECK(!opens(other, right));
}

TEST_CASE("segmenter: refuses headers that lie about lengths", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  const Split split = GENERATE(Split::none, Split::tcp_v4);
  FlowPacket spec{.v4 = v4, .payload = ByteVector(3000)};
  ByteVector packet = test::make_super(spec);
  Offload offload = test::super_offload(spec, 1000);
  if (split == Split::none) offload.split = split;
  REQUIRE(opens(packet, offload));
  const std::size_t length_at = v4 ? 2 : 4;
  for (const std::size_t length :
       {0UL, 1UL, 20UL, packet.size() - 41, packet.size() + 1, 65'535UL}) {
    ByteVector lying = packet;
    put16(lying, length_at, length);
    CHECK(!opens(lying, offload));
  }
  for (std::size_t size = 0; size < spec.header_bytes(); ++size) {
    ByteVector cut = packet;
    cut.resize(size);
    CHECK(!opens(cut, offload));
    if (size <= length_at + 2) continue;
    put16(cut, length_at, v4 ? size : size - std::min<std::size_t>(size, 40));
    if (offload.split != Split::none) CHECK(!opens(cut, offload));
  }
  if (v4) {
    for (const unsigned first : {0x40U, 0x44U, 0x4fU}) {
      ByteVector lying = packet;
      lying[0] = static_cast<std::byte>(first);
      CHECK(!opens(lying, offload));
    }
  }
}

TEST_CASE("segmenter: refuses a TCP header that is none", "[unit][offload]")
{
  FlowPacket spec{.payload = ByteVector(100)};
  const Offload offload = test::super_offload(spec, 50);
  for (const unsigned words : {0U, 4U, 15U}) {
    ByteVector packet = test::make_super(spec);
    put16(packet, 32, words << 12U | test::kAck);
    CHECK(opens(packet, offload) == (words == 15));
    packet.resize(20 + 59);
    put16(packet, 2, packet.size());
    CHECK(!opens(packet, offload));
  }
  for (const unsigned flag : {test::kSyn, test::kRst}) {
    FlowPacket odd = spec;
    odd.flags |= flag;
    CHECK(!opens(test::make_super(odd), offload));
  }
}

TEST_CASE("segmenter: refuses fragments that want a checksum or a cut", "[unit][offload]")
{
  const Split split = GENERATE(Split::none, Split::tcp_v4, Split::udp);
  FlowPacket spec{.tcp = split != Split::udp, .payload = ByteVector(3000)};
  Offload offload = test::super_offload(spec, 1000);
  offload.split = split;
  for (const unsigned fragment : {0x2000U, 0x0001U, 0x1fffU}) {
    ByteVector packet = test::make_super(spec);
    REQUIRE(opens(packet, offload));
    put16(packet, 6, fragment);
    CHECK(!opens(packet, offload));
    CHECK(opens(packet, {}));
  }
}

TEST_CASE("segmenter: IPv6 extension headers allow a checksum but no cut", "[unit][offload]")
{
  FlowPacket spec{.v4 = false, .tcp = false, .payload = ByteVector(3000)};
  ByteVector packet = test::make_super(spec);
  const ByteVector extension = test::hex("11 00 0104 00000000");
  packet.insert(packet.begin() + 40, extension.begin(), extension.end());
  packet[6] = std::byte{60};
  put16(packet, 4, packet.size() - 40);
  Offload offload = test::super_offload(spec, 1000);
  offload.checksum_start = 48;
  CHECK(!opens(packet, offload));
  offload.split = Split::none;
  CHECK(opens(packet, offload));
  offload.checksum_start = 40;  // inside of the extension header
  CHECK(!opens(packet, offload));
  offload.checksum_start = 48;
  packet[6] = std::byte{44};  // the same bytes as a fragment header
  packet[43] = std::byte{1};
  CHECK(!opens(packet, offload));
  packet[6] = std::byte{60};
  packet[41] = std::byte{255};  // longer than the header says, but still inside
  CHECK(!opens(packet, offload));
}

TEST_CASE("segmenter: repeats IPv4 options only where that is right", "[unit][offload]")
{
  const auto with = [](std::string_view options) {
    FlowPacket spec{.ip_options = test::hex(options), .payload = ByteVector(3000)};
    return opens(test::make_super(spec), test::super_offload(spec, 1000));
  };
  CHECK(with("01010101"));
  CHECK(with("94040000"));            // router alert
  CHECK(with("0007ffff"));            // nothing counts after the end
  CHECK(!with("07070400 00000000"));  // record route
  CHECK(!with("01010194"));           // cut off
  CHECK(!with("94000000"));
  CHECK(!with("94010000"));
  CHECK(!with("94050000"));
}

TEST_CASE("segmenter: refuses more pieces than there may be", "[unit][offload]")
{
  const bool tcp = GENERATE(true, false);
  FlowPacket spec{.tcp = tcp, .payload = ByteVector(60'000)};
  const ByteVector packet = test::make_super(spec);
  CHECK(!opens(packet, test::super_offload(spec, 0)));
  CHECK(!opens(packet, test::super_offload(spec, 1)));
  CHECK(!opens(packet, test::super_offload(spec, 7)));
  CHECK(opens(packet, test::super_offload(spec, 8)) == tcp);
  CHECK(opens(packet, test::super_offload(spec, 60'000 / 128)) == tcp);
  CHECK(opens(packet, test::super_offload(spec, 60'000 / 128 + 1)));
  CHECK(opens(packet, test::super_offload(spec, 65'535)));
}

TEST_CASE("segmenter: refuses an MTU without room for payload", "[unit][offload]")
{
  FlowPacket spec{.tcp_options = ByteVector(12), .payload = ByteVector(3000)};
  const ByteVector packet = test::make_super(spec);
  const Offload offload = test::super_offload(spec, 1000);
  for (const std::size_t mtu_bytes : {0UL, 1UL, 51UL, 52UL, 59UL})
    CHECK(!opens(packet, offload, mtu_bytes));
  CHECK(opens(packet, offload, 60));
  CHECK(opens(packet, offload, std::numeric_limits<std::size_t>::max()));
  FlowPacket udp{.tcp = false, .payload = ByteVector(3000)};
  CHECK(opens(test::make_super(udp), test::super_offload(udp, 1000), 0));
}

TEST_CASE("segmenter: longest headers and longest packets", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  FlowPacket spec{.v4 = v4, .tcp_options = ByteVector(40, std::byte{1})};
  if (v4) spec.ip_options = ByteVector(40, std::byte{1});
  spec.sequence = 0xffff'fff0;
  spec.id = 0xfffe;
  spec.payload = ByteVector(65'535 - (v4 ? spec.header_bytes() : 60), std::byte{0xff});
  ByteVector packet = test::make_super(spec);
  auto segmenter = Segmenter::open({packet, test::super_offload(spec, 1400)}, 1400);
  REQUIRE(segmenter);
  CHECK(all_pieces(*segmenter) == expected_pieces(spec, 1400 - spec.header_bytes()));
}

TEST_CASE("segmenter: refuses nothing at all", "[unit][offload]")
{
  CHECK(!opens({}, {}));
  ByteVector odd{std::byte{0x45}};
  auto segmenter = Segmenter::open({odd, {}}, 1280);
  REQUIRE(segmenter);
  CHECK(!segmenter->ecn_capable());
  segmenter->mark_ce();
  CHECK(all_pieces(*segmenter) == Packets{ByteVector{std::byte{0x45}}});
}

}  // namespace
}  // namespace slopn::offload
