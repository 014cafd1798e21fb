#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "libtunnel/quic/packet_train.hpp"

using namespace slopn;
using namespace slopn::quic;

namespace {

constexpr std::size_t kPayload = 1472;

UdpPath path_to(std::uint16_t port)
{
  return {.local = *UdpEndpoint::parse("192.0.2.1:443"),
          .remote = {IpAddress::v4({198, 51, 100, 1}), port}};
}

void put(PacketTrain& train, std::size_t size_bytes, std::uint16_t port = 1, EcnBits ecn = 0,
         std::uint8_t fill = 0)
{
  REQUIRE(train.has_room());
  std::ranges::fill(train.tail().first(size_bytes), std::byte{fill});
  train.append(size_bytes, path_to(port), ecn);
}

}  // namespace

TEST_CASE("packet train: equal payloads to one peer are one run", "[unit][quic]")
{
  PacketTrain train{8, kPayload};
  CHECK(train.empty());
  for (int i = 0; i < 5; ++i) put(train, 1000);
  REQUIRE(train.runs().size() == 1);
  CHECK(train.runs()[0].segments == 5);
  CHECK(train.runs()[0].segment_bytes == 1000);
  CHECK(train.bytes(train.runs()[0]).size() == 5000);
}

TEST_CASE("packet train: a shorter payload ends its run", "[unit][quic]")
{
  PacketTrain train{8, kPayload};
  put(train, 1000);
  put(train, 500);
  put(train, 500);
  REQUIRE(train.runs().size() == 2);
  CHECK(train.runs()[0].segments == 2);
  CHECK(train.runs()[0].size_bytes == 1500);
  CHECK(train.runs()[1].segments == 1);
}

TEST_CASE("packet train: a longer payload begins a run", "[unit][quic]")
{
  PacketTrain train{8, kPayload};
  put(train, 100);
  put(train, 1000);
  CHECK(train.runs().size() == 2);
}

TEST_CASE("packet train: another peer or another ECN mark begins a run", "[unit][quic]")
{
  PacketTrain train{8, kPayload};
  put(train, 100, 1, 0);
  put(train, 100, 2, 0);
  put(train, 100, 2, 2);
  put(train, 100, 1, 2);
  REQUIRE(train.runs().size() == 4);
  CHECK(train.runs()[1].path == path_to(2));
  CHECK(train.runs()[2].ecn == 2);
}

TEST_CASE("packet train: a run holds no more than the kernel takes", "[unit][quic]")
{
  PacketTrain many{200, kPayload};
  for (int i = 0; i < 150; ++i) put(many, 20);
  REQUIRE(many.runs().size() == 3);
  CHECK(many.runs()[0].segments == PacketTrain::kMaxSegments);

  PacketTrain long_ones{200, kPayload};
  for (int i = 0; i < 64; ++i) put(long_ones, kPayload);
  for (const PacketTrain::Run& run : long_ones.runs())
    CHECK(run.size_bytes <= PacketTrain::kMaxRunBytes);
}

TEST_CASE("packet train: has room for as many of the longest payloads as promised", "[unit][quic]")
{
  PacketTrain train{3, kPayload};
  for (int i = 0; i < 3; ++i) put(train, kPayload);
  CHECK_FALSE(train.has_room());
  train.clear();
  CHECK(train.empty());
  CHECK(train.has_room());
  CHECK(train.tail().size() == kPayload);
}

TEST_CASE("packet train: bytes stay as they were written", "[unit][quic]")
{
  PacketTrain train{8, kPayload};
  for (std::uint8_t i = 0; i < 6; ++i) put(train, 100, static_cast<std::uint16_t>(1 + i / 3), 0, i);
  std::uint8_t expected = 0;
  for (const PacketTrain::Run& run : train.runs()) {
    for (std::size_t at = 0; at < run.size_bytes; at += run.segment_bytes)
      CHECK(train.bytes(run)[at] == std::byte{expected++});
  }
  CHECK(expected == 6);
}
