#include "libtunnel/core/offload/coalescer.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "libtunnel/core/offload/segmenter.hpp"
#include "tests/support/hex.hpp"
#include "tests/unit/core/offload/packets.hpp"

namespace slopn::offload {
namespace {

using test::FlowPacket;
using test::get16;
using test::put16;
using Packets = std::vector<ByteVector>;

struct Output {
  ByteVector bytes;
  Offload offload;
};

std::vector<Output> taken(Coalescer& coalescer)
{
  std::vector<Output> outputs;
  for (const HostPacket& packet : coalescer.finish())
    outputs.push_back({{packet.bytes.begin(), packet.bytes.end()}, packet.offload});
  coalescer.clear();
  return outputs;
}

std::vector<Output> coalesce(const Packets& packets, const Coalescer::Options& options = {})
{
  Coalescer coalescer{options};
  std::vector<Output> outputs;
  for (const ByteVector& packet : packets) {
    if (coalescer.push(packet)) continue;
    for (auto& output : taken(coalescer)) outputs.push_back(std::move(output));
    REQUIRE(coalescer.push(packet));
  }
  for (auto& output : taken(coalescer)) outputs.push_back(std::move(output));
  return outputs;
}

// How many packets each output stands for.
std::vector<std::size_t> counts(const std::vector<Output>& outputs)
{
  std::vector<std::size_t> counts;
  for (const Output& output : outputs) {
    const std::size_t payload = output.bytes.size() - output.offload.header_bytes;
    const std::size_t piece = output.offload.segment_bytes;
    counts.push_back(piece == 0 ? 1 : (payload + piece - 1) / piece);
  }
  return counts;
}
using Counts = std::vector<std::size_t>;

Packets cut(const Output& output)
{
  ByteVector bytes = output.bytes;
  auto segmenter = Segmenter::open({bytes, output.offload}, kMaxHostPacketBytes);
  REQUIRE(segmenter);
  Packets packets;
  for (; !segmenter->done(); segmenter->advance()) {
    const auto piece = segmenter->piece();
    ByteVector packet{piece.header.begin(), piece.header.end()};
    packet.insert(packet.end(), piece.payload.begin(), piece.payload.end());
    packets.push_back(std::move(packet));
  }
  return packets;
}

// A train of equal packets of one flow; `change` may alter each before it is made.
Packets train(FlowPacket spec, std::size_t count,
              const std::function<void(FlowPacket&, std::size_t)>& change = {})
{
  if (spec.payload.empty()) spec.payload = ByteVector(1000, std::byte{7});
  Packets packets;
  for (std::size_t i = 0; i < count; ++i) {
    FlowPacket one = spec;
    one.sequence += static_cast<std::uint32_t>(i * spec.payload.size());
    one.id = static_cast<std::uint16_t>(one.id + i);
    if (change) change(one, i);
    packets.push_back(test::make(one));
  }
  return packets;
}

// Everything must come out as it went in, alone.
void check_unjoined(const Packets& packets)
{
  const auto outputs = coalesce(packets);
  REQUIRE(outputs.size() == packets.size());
  for (std::size_t i = 0; i < packets.size(); ++i) {
    CHECK(outputs[i].bytes == packets[i]);
    CHECK(outputs[i].offload == Offload{});
  }
}

// Two trains of two packets that differ: they become two super-packets.
void check_split(const FlowPacket& spec, const std::function<void(FlowPacket&)>& change)
{
  const Packets packets = train(spec, 4, [&](FlowPacket& one, std::size_t i) {
    if (i >= 2) change(one);
  });
  CHECK(counts(coalesce(packets)) == Counts{2, 2});
}

TEST_CASE("coalescer: a train becomes what a kernel would have sent", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  const bool tcp = GENERATE(true, false);
  test::Random random{5};
  FlowPacket spec{.v4 = v4, .tcp = tcp, .id = 100, .payload = test::random_bytes(random, 4500)};
  const ByteVector whole = spec.payload;
  Packets packets;
  for (std::size_t at = 0; at < whole.size(); at += 1000) {
    FlowPacket one = spec;
    one.payload.assign(
        whole.begin() + static_cast<std::ptrdiff_t>(at),
        whole.begin() + static_cast<std::ptrdiff_t>(std::min(at + 1000, whole.size())));
    one.sequence += static_cast<std::uint32_t>(at);
    one.id = static_cast<std::uint16_t>(one.id + at / 1000);
    packets.push_back(test::make(one));
  }
  const auto outputs = coalesce(packets);
  REQUIRE(outputs.size() == 1);
  CHECK(outputs[0].bytes == test::make_super(spec));
  CHECK(outputs[0].offload == test::super_offload(spec, 1000));
}

TEST_CASE("coalescer: joins again what the segmenter cut", "[unit][offload]")
{
  test::Random random{6};
  for (int round = 0; round < 300; ++round) {
    FlowPacket spec{.v4 = random() % 2 != 0, .tcp = random() % 2 != 0};
    spec.traffic_class = static_cast<std::uint8_t>(random());
    spec.flow_label = random() & 0xfffffU;
    spec.id = static_cast<std::uint16_t>(random());
    spec.dont_fragment = random() % 2 != 0;
    spec.sequence = static_cast<std::uint32_t>(random());
    spec.acknowledgment = static_cast<std::uint32_t>(random());
    for (const unsigned flag : {test::kFin, test::kPsh, test::kEce})
      if (random() % 2 != 0) spec.flags |= flag;
    spec.tcp_options = test::random_bytes(random, random() % 11 * 4);
    const std::size_t segment_bytes = test::between(random, 8, 1460);
    const std::size_t most = spec.tcp
                                 ? 65'535 - spec.header_bytes()
                                 : std::min(65'500UL, segment_bytes * Coalescer::kMaxUdpSegments);
    spec.payload = test::random_bytes(random, test::between(random, segment_bytes + 1, most));
    const Output before{test::make_super(spec), test::super_offload(spec, segment_bytes)};
    const auto after = coalesce(cut(before));
    REQUIRE(after.size() == 1);
    REQUIRE(after[0].bytes == before.bytes);
    REQUIRE(after[0].offload == before.offload);
  }
}

TEST_CASE("coalescer: IPv4 identifications count up, or stay with DF", "[unit][offload]")
{
  const bool tcp = GENERATE(true, false);
  const auto with = [&](std::vector<int> ids, bool dont_fragment) {
    return counts(coalesce(train(
        {.tcp = tcp, .dont_fragment = dont_fragment}, ids.size(),
        [&](FlowPacket& one, std::size_t i) { one.id = static_cast<std::uint16_t>(ids[i]); })));
  };
  CHECK(with({0xfffe, 0xffff, 0, 1}, true) == Counts{4});
  CHECK(with({0xfffe, 0xffff, 0, 1}, false) == Counts{4});
  CHECK(with({5, 5, 5}, true) == Counts{3});
  CHECK(with({5, 5, 5}, false) == Counts{1, 1, 1});
  CHECK(with({5, 5, 6, 7}, true) == Counts{2, 2});
  CHECK(with({5, 6, 6, 6}, true) == Counts{2, 2});
  CHECK(with({5, 7, 9}, true) == Counts{1, 1, 1});
  CHECK(with({5, 4, 3}, true) == Counts{1, 1, 1});
}

TEST_CASE("coalescer: any difference between headers ends a super-packet", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  const bool tcp = GENERATE(true, false);
  const FlowPacket spec{
      .v4 = v4, .tcp = tcp, .tcp_options = test::hex("0101080a 00000001 00000002")};
  CHECK(counts(coalesce(train(spec, 4))) == Counts{4});
  check_split(spec, [](FlowPacket& one) { one.ttl = 63; });
  check_split(spec, [](FlowPacket& one) { one.traffic_class = 0x20; });
  check_split(spec, [](FlowPacket& one) { one.traffic_class = 0x03; });  // ECN
  check_split(spec, [](FlowPacket& one) { one.source_port = 1; });
  check_split(spec, [](FlowPacket& one) { one.host = 3; });
  if (v4) check_split(spec, [](FlowPacket& one) { one.dont_fragment = false; });
  if (!v4) check_split(spec, [](FlowPacket& one) { one.flow_label = 1; });
  if (!tcp) return;
  check_split(spec, [](FlowPacket& one) { one.acknowledgment += 1; });
  check_split(spec, [](FlowPacket& one) { one.window += 1; });
  check_split(spec, [](FlowPacket& one) { one.flags |= test::kEce; });
  check_split(spec, [](FlowPacket& one) { one.sequence += 1; });     // a hole
  check_split(spec, [](FlowPacket& one) { one.sequence -= 1000; });  // sent twice
  check_split(spec, [](FlowPacket& one) { one.tcp_options.back() = std::byte{3}; });
  check_split(spec, [](FlowPacket& one) { one.tcp_options.clear(); });
}

TEST_CASE("coalescer: PSH and FIN end a super-packet and stand in it", "[unit][offload]")
{
  const unsigned flag = GENERATE(test::kPsh, test::kFin, test::kPsh | test::kFin);
  const Packets packets = train({}, 5, [&](FlowPacket& one, std::size_t i) {
    if (i == 2) one.flags |= flag;
  });
  const auto outputs = coalesce(packets);
  REQUIRE(counts(outputs) == Counts{3, 2});
  CHECK((get16(outputs[0].bytes, 32) & 0xfffU) == (test::kAck | flag));
  CHECK((get16(outputs[1].bytes, 32) & 0xfffU) == test::kAck);
  CHECK(cut(outputs[0]) == Packets{packets.begin(), packets.begin() + 3});
  check_unjoined(train({.flags = test::kAck | flag}, 3));
}

TEST_CASE("coalescer: packets with other flags stay alone and in their place", "[unit][offload]")
{
  const unsigned flags = GENERATE(test::kAck | test::kSyn, test::kAck | test::kRst,
                                  test::kAck | test::kUrg, test::kAck | test::kCwr, 0U, 0x110U);
  const Packets packets = train({}, 5, [&](FlowPacket& one, std::size_t i) {
    if (i == 2) one.flags = flags;
  });
  const auto outputs = coalesce(packets);
  REQUIRE(counts(outputs) == Counts{2, 1, 2});
  CHECK(outputs[1].bytes == packets[2]);
  check_unjoined(train({.flags = flags}, 3));
}

TEST_CASE("coalescer: an urgent pointer without its flag is not lost", "[unit][offload]")
{
  Packets packets = train({}, 3);
  for (auto& packet : packets) {
    put16(packet, 38, 9);
    test::fix_upper_checksum(packet);
  }
  check_unjoined(packets);
}

TEST_CASE("coalescer: acknowledgments never join, and end a super-packet", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  FlowPacket ack{.v4 = v4};
  Packets acks;
  for (int i = 0; i < 5; ++i) acks.push_back(test::make(ack));
  check_unjoined(acks);
  Packets packets = train({.v4 = v4}, 4);
  packets.insert(packets.begin() + 2, acks[0]);
  const auto outputs = coalesce(packets);
  REQUIRE(counts(outputs) == Counts{2, 1, 2});
  CHECK(outputs[1].bytes == acks[0]);
}

TEST_CASE("coalescer: a shorter piece ends, a longer one begins", "[unit][offload]")
{
  const bool tcp = GENERATE(true, false);
  const auto with = [&](std::vector<std::size_t> sizes) {
    Packets packets;
    FlowPacket spec{.tcp = tcp};
    for (const std::size_t size : sizes) {
      spec.payload = ByteVector(size);
      packets.push_back(test::make(spec));
      spec.sequence += static_cast<std::uint32_t>(size);
      ++spec.id;
    }
    const auto outputs = coalesce(packets);
    Packets again;
    for (const auto& output : outputs)
      for (auto& packet : cut(output)) again.push_back(packet);
    CHECK(again == packets);
    return counts(outputs);
  };
  CHECK(with({100, 100, 99, 100, 100}) == Counts{3, 2});
  CHECK(with({100, 100, 101, 101}) == Counts{2, 2});
  CHECK(with({100, 1, 1}) == (tcp ? Counts{2, 1} : Counts{2, 1}));
  CHECK(with({8, 8, 8}) == Counts{3});
  CHECK(with({7, 7, 7}) == (tcp ? Counts{1, 1, 1} : Counts{3}));
  CHECK(with({100, 0, 100}) == Counts{1, 1, 1});
}

TEST_CASE("coalescer: sequence numbers wrap", "[unit][offload]")
{
  CHECK(counts(coalesce(train({.sequence = 0xffff'ffff - 1500}, 4))) == Counts{4});
}

TEST_CASE("coalescer: super-packets stop at 64 KB, and UDP ones at 64 pieces", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  const auto outputs = coalesce(train({.v4 = v4, .payload = ByteVector(1400)}, 100));
  CHECK(counts(outputs) == Counts{46, 46, 8});
  for (const auto& output : outputs) CHECK(output.bytes.size() <= Coalescer::kMaxSuperBytes);
  CHECK(counts(coalesce(train({.v4 = v4, .tcp = false, .payload = ByteVector(100)}, 100))) ==
        Counts{64, 36});
}

TEST_CASE("coalescer: a packet with a wrong checksum passes alone and unchanged", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  const bool tcp = GENERATE(true, false);
  const std::size_t wrong = GENERATE(0UL, 1UL, 2UL, 4UL);
  Packets packets = train({.v4 = v4, .tcp = tcp}, 5);
  const auto check = [&](std::size_t at) {
    Packets damaged = packets;
    damaged[wrong][at] ^= std::byte{1};
    const auto outputs = coalesce(damaged);
    Packets again;
    for (const auto& output : outputs)
      for (auto& packet : cut(output)) again.push_back(packet);
    CHECK(again == damaged);
    std::size_t alone = 0;
    for (const auto& output : outputs)
      if (output.bytes == damaged[wrong] && output.offload == Offload{}) ++alone;
    CHECK(alone == 1);
  };
  check(packets[wrong].size() - 1);
  check((v4 ? 20U : 40U) + (tcp ? 16U : 6U));
  if (v4) check(10);
}

TEST_CASE("coalescer: UDP without a checksum stays alone", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  Packets packets = train({.v4 = v4, .tcp = false}, 3);
  for (auto& packet : packets) put16(packet, v4 ? 26 : 46, 0);
  check_unjoined(packets);
}

TEST_CASE("coalescer: odd UDP lengths stay alone", "[unit][offload]")
{
  const unsigned length = GENERATE(0U, 7U, 8U, 1007U, 1009U, 65'535U);
  Packets packets = train({.tcp = false}, 3);
  for (auto& packet : packets) {
    put16(packet, 24, length);
    test::fix_upper_checksum(packet);
  }
  check_unjoined(packets);
}

TEST_CASE("coalescer: fragments and IPv4 options stay alone", "[unit][offload]")
{
  const bool tcp = GENERATE(true, false);
  check_unjoined(train({.tcp = tcp, .ip_options = ByteVector(4, std::byte{1})}, 3));
  for (const unsigned fragment : {0x2000U, 0x0001U, 0x6000U, 0x8000U}) {
    Packets packets = train({.tcp = tcp}, 3);
    for (auto& packet : packets) {
      put16(packet, 6, fragment);
      test::fix_v4_checksum(packet);
    }
    check_unjoined(packets);
  }
}

TEST_CASE("coalescer: a flow does not overtake its fragments", "[unit][offload]")
{
  const bool tcp = GENERATE(true, false);
  Packets packets = train({.tcp = tcp}, 4);
  Packets others = train({.tcp = tcp, .host = 3}, 4);
  ByteVector fragment = packets[0];
  put16(fragment, 6, 0x0010);  // no ports to be seen
  const auto outputs = coalesce({packets[0], packets[1], others[0], others[1], fragment, packets[2],
                                 packets[3], others[2], others[3]});
  CHECK(counts(outputs) == Counts{2, 4, 1, 2});
  CHECK(outputs[2].bytes == fragment);
}

TEST_CASE("coalescer: a flow does not overtake its packets with extension headers",
          "[unit][offload]")
{
  Packets packets = train({.v4 = false}, 4);
  ByteVector extended = packets[2];
  const ByteVector extension = test::hex("06 00 0104 00000000");
  extended.insert(extended.begin() + 40, extension.begin(), extension.end());
  extended[6] = std::byte{60};
  put16(extended, 4, extended.size() - 40);
  CHECK(counts(coalesce({packets[0], packets[1], extended, packets[2], packets[3]})) ==
        Counts{2, 1, 2});
  check_unjoined({extended, extended});
}

TEST_CASE("coalescer: ICMP passes by", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  Packets packets = train({.v4 = v4}, 4);
  ByteVector ping = packets[0];
  ping[v4 ? 9 : 6] = std::byte{v4 ? std::uint8_t{1} : std::uint8_t{58}};
  const auto outputs = coalesce({packets[0], packets[1], ping, packets[2], packets[3]});
  CHECK(counts(outputs) == Counts{4, 1});
  CHECK(outputs[1].bytes == ping);
}

TEST_CASE("coalescer: packets with lying headers stay alone", "[unit][offload]")
{
  const bool v4 = GENERATE(true, false);
  const bool tcp = GENERATE(true, false);
  const Packets packets = train({.v4 = v4, .tcp = tcp}, 1);
  for (std::size_t size = 1; size < packets[0].size(); size += size < 80 ? 1 : 100)
    check_unjoined(Packets(
        3, ByteVector{packets[0].begin(), packets[0].begin() + static_cast<std::ptrdiff_t>(size)}));
  for (unsigned first = 0; first < 256; ++first) {
    ByteVector lying = packets[0];
    lying[0] = static_cast<std::byte>(first);
    // Another traffic class is no lie: IPv6 has no checksum over it.
    const bool honest = lying == packets[0] || (!v4 && first >> 4U == 6);
    if (!honest) check_unjoined(Packets(2, lying));
    if (!tcp) continue;
    lying = packets[0];
    lying[v4 ? 32 : 52] = static_cast<std::byte>(first);
    check_unjoined(Packets(2, lying));
  }
}

TEST_CASE("coalescer: does not join what the device does not take", "[unit][offload]")
{
  const Packets tcp = train({}, 3);
  const Packets udp = train({.tcp = false}, 3);
  CHECK(counts(coalesce(tcp, {.tcp = false, .udp = true})) == Counts{1, 1, 1});
  CHECK(counts(coalesce(udp, {.tcp = false, .udp = true})) == Counts{3});
  CHECK(counts(coalesce(tcp, {.tcp = true, .udp = false})) == Counts{3});
  CHECK(counts(coalesce(udp, {.tcp = true, .udp = false})) == Counts{1, 1, 1});
}

TEST_CASE("coalescer: many flows interleaved keep their bytes and their order", "[unit][offload]")
{
  test::Random random{7};
  for (int round = 0; round < 60; ++round) {
    std::map<unsigned, std::deque<ByteVector>> expected;
    std::map<unsigned, FlowPacket> flows;
    const std::size_t flow_count = test::between(random, 1, 24);
    Packets sent;
    for (int i = 0; i < 400; ++i) {
      const unsigned key = static_cast<unsigned>(random() % flow_count);
      auto [at, fresh] = flows.try_emplace(key);
      FlowPacket& flow = at->second;
      if (fresh) {
        flow.v4 = random() % 2 != 0;
        flow.tcp = random() % 3 != 0;
        flow.source_port = static_cast<std::uint16_t>(1000 + key);
        flow.sequence = static_cast<std::uint32_t>(random());
      }
      if (random() % 20 == 0) flow.acknowledgment++;
      if (random() % 30 == 0) flow.traffic_class ^= 1;
      FlowPacket one = flow;
      if (random() % 15 == 0) one.flags |= test::kPsh;
      if (random() % 40 == 0) one.flags |= test::kCwr;
      one.payload =
          test::random_bytes(random, random() % 15 == 0 ? test::between(random, 0, 1400) : 1400);
      flow.sequence += static_cast<std::uint32_t>(one.payload.size());
      ++flow.id;
      ByteVector packet = test::make(one);
      if (random() % 50 == 0) packet.back() ^= std::byte{0x10};
      expected[key].push_back(packet);
      sent.push_back(std::move(packet));
    }
    const auto outputs = coalesce(sent);
    REQUIRE(outputs.size() <= sent.size());
    for (const Output& output : outputs)
      for (const ByteVector& packet : cut(output)) {
        auto& queue = expected[get16(packet, test::upper_offset(packet)) - 1000];
        REQUIRE(!queue.empty());
        REQUIRE(queue.front() == packet);
        queue.pop_front();
      }
    for (const auto& [key, queue] : expected) REQUIRE(queue.empty());
  }
}

TEST_CASE("coalescer: is full at its limits, and empty after clear()", "[unit][offload]")
{
  Coalescer coalescer{{}};
  CHECK(coalescer.empty());
  CHECK(coalescer.finish().empty());
  coalescer.clear();

  const auto fill = [&](const std::function<ByteVector(std::size_t)>& packet) {
    std::size_t count = 0;
    while (coalescer.push(packet(count))) ++count;
    CHECK(!coalescer.empty());
    CHECK(coalescer.finish().size() == count);
    CHECK(!coalescer.push(packet(0)));  // finished
    coalescer.clear();
    CHECK(coalescer.empty());
    return count;
  };
  const ByteVector ack = test::make({});
  CHECK(fill([&](std::size_t) { return ack; }) == Coalescer::kMaxPackets);
  CHECK(fill([&](std::size_t i) {
          return test::make(
              {.source_port = static_cast<std::uint16_t>(i), .payload = ByteVector(9)});
        }) == Coalescer::kMaxSuperPackets);
  // The longest packet there is fits at least into an empty one.
  ByteVector longest(kMaxHostPacketBytes);
  longest[0] = std::byte{0x60};
  CHECK(fill([&](std::size_t) { return longest; }) >= 1);
}

TEST_CASE("coalescer: finish() may be called twice", "[unit][offload]")
{
  Coalescer coalescer{{}};
  for (const auto& packet : train({}, 3)) REQUIRE(coalescer.push(packet));
  const auto first = coalescer.finish();
  REQUIRE(first.size() == 1);
  const ByteVector bytes{first[0].bytes.begin(), first[0].bytes.end()};
  const auto second = coalescer.finish();
  REQUIRE(second.size() == 1);
  CHECK(ByteVector{second[0].bytes.begin(), second[0].bytes.end()} == bytes);
}

}  // namespace
}  // namespace slopn::offload
