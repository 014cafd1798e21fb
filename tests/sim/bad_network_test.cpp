// Loss, disorder and narrow links.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <algorithm>
#include <set>

#include "tests/support/hex.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

const IpAddress kBehind = ip("203.0.113.9");

// Sends `count` packets each way, one of each every `interval`; none may stay behind.
void exchange(TunnelScene& scene, std::uint32_t count, Clock::duration interval)
{
  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  for (std::uint32_t i = 0; i < count && !scene.client->closed(); ++i) {
    scene.client->send(inner_packet(inside, kBehind, 1000, i));
    scene.gateway->send(inner_packet(kBehind, inside, 1000, i));
    scene.network.run_for(interval);
  }
  scene.network.run_for(5s);
}

// Every packet that arrived is one that was sent, and none came twice.
bool genuine(const std::vector<ByteVector>& arrived, const IpAddress& from, const IpAddress& to,
             std::uint32_t count)
{
  std::set<ByteVector> sent;
  for (std::uint32_t i = 0; i < count; ++i) sent.insert(inner_packet(from, to, 1000, i));
  return std::ranges::all_of(arrived, [&](const ByteVector& one) { return sent.erase(one) == 1; });
}

// Packets 0 to `count` - 1 of 1400 bytes, in this order, though some may be missing.
bool in_order(const std::vector<ByteVector>& arrived, const IpAddress& from, const IpAddress& to,
              std::uint32_t count)
{
  std::uint32_t next = 0;
  return std::ranges::all_of(arrived, [&](const ByteVector& one) {
    while (next < count && inner_packet(from, to, 1400, next) != one) ++next;
    return next++ < count;
  });
}

}  // namespace

TEST_CASE("bad network: the tunnel comes up and carries packets despite loss", "[sim][loss]")
{
  const double loss = GENERATE(0.01, 0.05, 0.2);
  const std::uint64_t seed = static_cast<std::uint64_t>(GENERATE(range(1, 11)));
  CAPTURE(loss, seed);
  TunnelScene scene{{}, {}, {.loss = loss}, seed};
  REQUIRE(scene.connect(10s));

  constexpr std::uint32_t kPackets = 400;
  exchange(scene, kPackets, 5ms);
  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  const auto least = static_cast<std::size_t>(kPackets * (1 - loss) * 0.9);
  CHECK_FALSE(scene.client->closed());
  CHECK(scene.client->waiting() == 0);
  CHECK(scene.gateway->inner.size() >= least);
  CHECK(scene.client->inner.size() >= least);
  CHECK(genuine(scene.gateway->inner, inside, kBehind, kPackets));
  CHECK(genuine(scene.client->inner, kBehind, inside, kPackets));
}

TEST_CASE("bad network: reordered and doubled packets arrive once each", "[sim][loss]")
{
  TunnelScene scene{{}, {}, {.duplication = 0.2, .reordering = 0.3}};
  REQUIRE(scene.connect());
  constexpr std::uint32_t kPackets = 500;
  exchange(scene, kPackets, 2ms);
  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  CHECK(scene.gateway->inner.size() == kPackets);
  CHECK(scene.client->inner.size() == kPackets);
  CHECK(genuine(scene.gateway->inner, inside, kBehind, kPackets));
  CHECK(genuine(scene.client->inner, kBehind, inside, kPackets));
}

TEST_CASE("bad network: a full window makes the client leave packets with the host",
          "[sim][congestion]")
{
  // A link that holds whatever the window allows: only back-pressure can limit the sender.
  ClientSetup setup;
  setup.session.max_queue_bytes = 50'000;
  TunnelScene scene{
      {}, setup, {.delay = 20ms, .rate_bits_per_s = 10'000'000, .queue_bytes = 10'000'000}};
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  constexpr std::uint32_t kPackets = 2000;
  for (std::uint32_t i = 0; i < kPackets; ++i)
    scene.client->offer(inner_packet(inside, kBehind, 1400, i));
  scene.client->pump();
  CHECK(scene.client->waiting() > kPackets / 2);
  scene.network.run_for(10s);
  CHECK(scene.client->waiting() == 0);
  CHECK(scene.network.counters().overflown == 0);
  // CoDel drops a few, because a sender that never slows down keeps the queue full.
  const auto drops = scene.client->session().counters().drops;
  CHECK(drops.total() == drops[DropReason::congestion]);
  CHECK(drops.total() < kPackets / 10);
  CHECK(scene.gateway->inner_count + drops.total() == kPackets);
  CHECK(in_order(scene.gateway->inner, inside, kBehind, kPackets));
}

TEST_CASE("bad network: the gateway queues what the window does not take", "[sim][congestion]")
{
  TunnelScene scene{
      {}, {}, {.delay = 20ms, .rate_bits_per_s = 10'000'000, .queue_bytes = 10'000'000}};
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  constexpr std::uint32_t kPackets = 600;  // 840 kB, below the queue's limit
  for (std::uint32_t i = 0; i < kPackets; ++i)
    scene.gateway->send(inner_packet(kBehind, inside, 1400, i));
  scene.network.run_for(5s);
  const auto drops = scene.gateway->counters().drops;
  CHECK(drops.total() == drops[DropReason::congestion]);
  CHECK(drops.total() < kPackets / 10);
  CHECK(scene.client->inner_count + drops.total() == kPackets);
  CHECK(in_order(scene.client->inner, kBehind, inside, kPackets));
}

TEST_CASE("bad network: what the gateway's queue cannot hold is counted as congestion",
          "[sim][congestion]")
{
  GatewaySetup setup;
  setup.endpoint.max_queue_bytes = 100'000;
  TunnelScene scene{setup, {}, {.rate_bits_per_s = 10'000'000, .queue_bytes = 10'000'000}};
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  constexpr std::uint32_t kPackets = 2000;
  for (std::uint32_t i = 0; i < kPackets; ++i)
    scene.gateway->send(inner_packet(kBehind, inside, 1400, i));
  scene.network.run_for(5s);
  const std::uint64_t dropped = scene.gateway->counters().drops[DropReason::congestion];
  CHECK(dropped > 0);
  CHECK(scene.client->inner_count + dropped == kPackets);
  CHECK_FALSE(scene.client->closed());
}

TEST_CASE("bad network: a narrow link with a short queue is used well", "[sim][congestion]")
{
  ClientSetup setup;
  setup.session.quic.pacing = GENERATE(false, true);
  CAPTURE(setup.session.quic.pacing);
  TunnelScene scene{
      {}, setup, {.delay = 20ms, .rate_bits_per_s = 20'000'000, .queue_bytes = 60'000}};
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  scene.gateway->keep_inner = false;
  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  const auto start = scene.network.now();
  while (scene.network.now() - start < 10s) {
    while (scene.client->waiting() < 100) scene.client->offer(inner_packet(inside, kBehind, 1400));
    scene.client->pump();
    scene.network.run_for(5ms);
  }
  // 20 Mbit/s for 10 s are 17,000 packets of 1462 bytes and headers.
  CHECK(scene.gateway->inner_count > 17'000 / 2);
}

TEST_CASE("bad network: one direction may be dead for a while", "[sim][loss]")
{
  ClientSetup patient;
  patient.session.health.patience = 20s;
  TunnelScene scene{{}, patient};
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  scene.network.shape(scene.client_setup.address, {}, {.loss = 1});
  exchange(scene, 100, 100ms);
  CHECK_FALSE(scene.client->closed());
  scene.network.shape(scene.client_setup.address, {});
  scene.gateway->inner.clear();
  scene.network.run_for(10s);
  exchange(scene, 50, 10ms);
  CHECK(scene.gateway->inner.size() >= 50);
  CHECK_FALSE(scene.client->closed());
}
