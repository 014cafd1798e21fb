// One of several workers: it keeps to what is its own.

#include <catch2/catch_test_macros.hpp>

#include "libtunnel/quic/worker_steering.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint8_t kWorkers = 3;
constexpr std::uint8_t kWorker = 2;

GatewaySetup one_of_three()
{
  GatewaySetup setup;
  setup.endpoint.worker = kWorker;
  setup.endpoint.workers = kWorkers;
  return setup;
}

// Only what the kernel would bring to the worker.
void steer(SimulatedNetwork& network)
{
  network.filter = [](const UdpEndpoint&, const UdpEndpoint& to, ByteView payload) {
    return to != kGatewayV4 || quic::worker_for(payload, kWorkers) == kWorker;
  };
}

// Whether the client's random connection ID belongs to our worker is up to chance.
bool connect_at_last(TunnelScene& scene)
{
  for (int tries = 0; tries < 100; ++tries) {
    if (scene.connect(2s)) return true;
    scene.client->close();
    scene.client = std::make_unique<ClientHost>(scene.network, scene.client_setup);
  }
  return false;
}

}  // namespace

TEST_CASE("workers: a session's number and all its connection IDs name the worker",
          "[sim][workers]")
{
  TunnelScene scene{one_of_three()};
  steer(scene.network);
  REQUIRE(connect_at_last(scene));
  REQUIRE(scene.gateway->sessions().size() == 1);
  CHECK(session::worker_of(scene.gateway->sessions().front(), kWorkers) == kWorker);

  // Moves to new connection IDs, so all of them are tried, and the steering stays in between.
  for (std::uint32_t i = 2; i < 8; ++i) {
    scene.client->move_to(client_address(i));
    const auto before = scene.gateway->inner_count;
    const IpAddress own = scene.client->inner_address(IpVersion::v4);
    scene.client->send(inner_packet(own, *IpAddress::parse("198.51.100.1"), 100));
    scene.network.run_for(2s);
    CHECK(scene.gateway->inner_count == before + 1);
  }
  CHECK(scene.gateway->sessions().size() == 1);
}

TEST_CASE("workers: a packet of another worker's is not answered", "[sim][workers]")
{
  TunnelScene scene{one_of_three()};
  std::uint64_t answers = 0;
  scene.network.filter = [&](const UdpEndpoint& from, const UdpEndpoint&, ByteView) {
    if (from == kGatewayV4) ++answers;
    return true;
  };
  // A short header for an unknown connection: ours earns a stateless reset (RFC 9000 section 10.3).
  ByteVector packet(100, std::byte{0x45});
  for (std::uint8_t worker = 0; worker < 6; ++worker) {
    answers = 0;
    packet[1] = std::byte{worker};
    scene.network.send(client_address(50), kGatewayV4, 0, packet);
    scene.network.run_for(100ms);
    CAPTURE(worker);
    CHECK(answers == (worker % kWorkers == kWorker ? 1U : 0U));
  }
  CHECK(scene.gateway->endpoint().connections() == 0);
}
