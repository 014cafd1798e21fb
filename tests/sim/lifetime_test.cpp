// How tunnels end, last, and come back.

#include <catch2/catch_test_macros.hpp>

#include "tests/support/hex.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

const IpAddress kBehind = ip("203.0.113.9");
constexpr quic::ResetSecret kSecret{1, 2, 3};

GatewaySetup with_secret()
{
  GatewaySetup setup;
  setup.endpoint.reset_secret = kSecret;
  return setup;
}

}  // namespace

TEST_CASE("lifetime: a restarted gateway tells its clients with the next packet", "[sim][lifetime]")
{
  TunnelScene scene{with_secret()};
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  scene.gateway->restart(kSecret);
  CHECK_FALSE(scene.client->closed());
  const auto sent_at = scene.network.now();
  scene.client->send(inner_packet(scene.client->inner_address(IpVersion::v4), kBehind, 100));
  REQUIRE(scene.network.run_until([&] { return scene.client->closed(); }, 1s));
  CHECK(scene.network.now() - sent_at <= 20ms);  // one round trip
  CHECK(scene.client->close_code() == Errc::peer_closed);
  CHECK(is_retryable(scene.client->close_code()));
  CHECK(scene.connect());
}

TEST_CASE("lifetime: a restart is noticed by an idle client through its keep-alive",
          "[sim][lifetime]")
{
  TunnelScene scene{with_secret()};
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  scene.gateway->restart(kSecret);
  CHECK(scene.network.run_until([&] { return scene.client->closed(); }, 11s));
  CHECK(scene.client->close_code() == Errc::peer_closed);
}

TEST_CASE("lifetime: a gateway that lost its secret is given up when it stays silent",
          "[sim][lifetime]")
{
  TunnelScene scene{with_secret()};
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  scene.gateway->restart(quic::ResetSecret{9});
  scene.client->send(inner_packet(scene.client->inner_address(IpVersion::v4), kBehind, 100));
  scene.network.run_for(2500ms);
  CHECK_FALSE(scene.client->closed());
  CHECK(scene.network.run_until([&] { return scene.client->closed(); }, 1s));
  CHECK(scene.client->close_code() == Errc::timed_out);
  CHECK(is_retryable(scene.client->close_code()));
}

TEST_CASE("lifetime: both ends forget a tunnel whose network is gone", "[sim][lifetime]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  scene.network.shape(scene.client_setup.address, {.loss = 1});
  scene.network.run_for(90s);
  CHECK(scene.client->closed());
  CHECK(scene.client->close_code() == Errc::timed_out);
  CHECK(scene.gateway->endpoint().connections() == 0);
  REQUIRE(scene.gateway->over.size() == 1);
  CHECK(scene.gateway->over[0].reason.code == Errc::timed_out);
}

TEST_CASE("lifetime: nobody at the other end is a timeout", "[sim][lifetime]")
{
  SimulatedNetwork network;
  ClientHost client{network, {}};
  const auto start = network.now();
  CHECK(network.run_until([&] { return client.closed(); }, 60s));
  CHECK(client.close_code() == Errc::timed_out);
  CHECK(network.now() - start <= quic::QuicOptions{}.handshake_timeout + 1s);
}

TEST_CASE("lifetime: keep-alives hold an idle tunnel for ten minutes", "[sim][lifetime]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(10min);
  REQUIRE_FALSE(scene.client->closed());
  CHECK(scene.gateway->sessions().size() == 1);
  // One PING in ten seconds and its answer, not more.
  CHECK(scene.network.counters().sent < 200);
  scene.client->send(inner_packet(scene.client->inner_address(IpVersion::v4), kBehind, 100));
  scene.network.run_for(100ms);
  CHECK(scene.gateway->inner_count == 1);
}

TEST_CASE("lifetime: a caller whose time is a little late breaks nothing", "[sim][lifetime]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  const auto late = scene.network.now() - 5ms;
  ByteVector up = inner_packet(scene.client->inner_address(IpVersion::v4), kBehind, 100);
  ByteVector down = inner_packet(kBehind, scene.client->inner_address(IpVersion::v4), 100);
  const std::array packets = {HostPacket{.bytes = up, .offload = {}}};
  const std::array answers = {HostPacket{.bytes = down, .offload = {}}};
  scene.client->session().send(packets, scene.network.now());
  scene.client->session().send(packets, late);
  scene.client->session().on_deadline(late);
  scene.client->session().flush(late);
  scene.gateway->endpoint().send(answers, scene.network.now());
  scene.gateway->endpoint().send(answers, late);
  scene.gateway->endpoint().flush(late);
  scene.gateway->endpoint().on_deadline(late);
  scene.network.run_for(1s);
  CHECK(scene.gateway->inner_count == 2);
  CHECK(scene.client->inner_count == 2);
}

TEST_CASE("lifetime: a client that leaves says so", "[sim][lifetime]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  scene.client->close();
  CHECK(scene.client->closed());
  CHECK(scene.client->close_code() == Errc::cancelled);
  scene.network.run_for(15ms);
  CHECK(scene.gateway->endpoint().connections() == 0);
  REQUIRE(scene.gateway->over.size() == 1);
  CHECK(scene.gateway->over[0].reason.code == Errc::peer_closed);
}

TEST_CASE("lifetime: a client may leave before it has a tunnel", "[sim][lifetime]")
{
  TunnelScene scene;
  scene.client = std::make_unique<ClientHost>(scene.network, scene.client_setup);
  SECTION("at once") {}
  SECTION("during the handshake")
  {
    scene.network.run_for(15ms);
  }
  SECTION("after it")
  {
    scene.network.run_for(25ms);
  }
  scene.client->close();
  CHECK(scene.client->closed());
  scene.network.run_for(20s);
  CHECK(scene.gateway->endpoint().connections() == 0);
}

TEST_CASE("lifetime: a gateway that stops says so to everybody", "[sim][lifetime]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  scene.gateway->endpoint().close(scene.network.now());
  CHECK(scene.gateway->endpoint().connections() == 0);
  scene.network.run_for(15ms);
  CHECK(scene.client->closed());
  CHECK(scene.client->close_code() == Errc::peer_closed);
  CHECK(is_retryable(scene.client->close_code()));
}

TEST_CASE("lifetime: a kicked session ends at once on both sides", "[sim][lifetime]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  const auto ids = scene.gateway->sessions();
  REQUIRE(ids.size() == 1);
  scene.gateway->endpoint().kick(ids, scene.network.now());
  scene.gateway->endpoint().kick(std::array{session::SessionId{999}}, scene.network.now());
  CHECK(scene.gateway->sessions().empty());
  scene.network.run_for(15ms);
  CHECK(scene.client->close_code() == Errc::peer_closed);
  CHECK(scene.connect());  // it may come back
}

TEST_CASE("lifetime: a client that is removed from the rules is put out for good",
          "[sim][lifetime]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  scene.gateway->endpoint().change_rules({}, scene.network.now());
  scene.network.run_for(15ms);
  CHECK(scene.client->closed());
  CHECK(scene.gateway->endpoint().connections() == 0);
  CHECK_FALSE(scene.connect());
  CHECK(scene.client->close_code() == Errc::auth_rejected);
}

TEST_CASE("lifetime: clients that stay in the rules stay connected", "[sim][lifetime]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  const std::array keys = {crypto::KeyPair::generate(), scene.key};
  scene.gateway->endpoint().change_rules(rules_for(keys), scene.network.now());
  scene.network.run_for(1s);
  CHECK_FALSE(scene.client->closed());
}

TEST_CASE("lifetime: a client that comes back replaces its old session", "[sim][lifetime]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  const IpAddress before = scene.client->inner_address(IpVersion::v4);
  const auto lost = std::move(scene.client);  // its network is gone, and nobody knows
  scene.network.shape(scene.client_setup.address, {.loss = 1});
  scene.client_setup.address = client_address(2);
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  CHECK(scene.client->inner_address(IpVersion::v4) == before);
  CHECK(scene.gateway->sessions().size() == 1);
  CHECK(scene.gateway->over.size() == 1);

  scene.gateway->send(inner_packet(kBehind, before, 300));
  scene.network.run_for(60s);
  CHECK(scene.client->inner_count == 1);
  CHECK(scene.gateway->endpoint().connections() == 1);
  CHECK_FALSE(scene.client->closed());
}

TEST_CASE("lifetime: a client whose address changes keeps its tunnel", "[sim][lifetime]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  scene.client->move_to(client_address(77));
  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  for (std::uint32_t i = 0; i < 20; ++i) {
    scene.client->send(inner_packet(inside, kBehind, 1000, i));
    scene.network.run_for(100ms);
  }
  scene.network.run_for(5s);
  scene.gateway->send(inner_packet(kBehind, inside, 1438));
  scene.network.run_for(1s);
  CHECK_FALSE(scene.client->closed());
  CHECK(scene.gateway->inner_count == 20);
  CHECK(scene.client->inner_count >= 1);
}

TEST_CASE("lifetime: one gateway serves 1000 clients", "[sim][lifetime][many]")
{
  GatewaySetup setup;
  setup.rules.anonymous = true;
  setup.endpoint.retry_above_handshakes = 2000;
  TunnelScene scene{setup};
  std::vector<std::unique_ptr<ClientHost>> clients;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    clients.push_back(
        std::make_unique<ClientHost>(scene.network, ClientSetup{.address = client_address(i + 1)}));
  }
  scene.network.run_for(2s);
  for (auto& client : clients) {
    REQUIRE(client->online());
    client->send(inner_packet(client->inner_address(IpVersion::v4), kBehind, 500));
    scene.gateway->send(inner_packet(kBehind, client->inner_address(IpVersion::v4), 500));
  }
  scene.network.run_for(1s);
  CHECK(scene.gateway->endpoint().connections() == 1000);
  CHECK(scene.gateway->inner_count == 1000);
  for (auto& client : clients) REQUIRE(client->inner_count == 1);
  for (auto& client : clients) client->close();
  scene.network.run_for(1s);
  CHECK(scene.gateway->endpoint().connections() == 0);
  CHECK(scene.gateway->over.size() == 1000);
}
