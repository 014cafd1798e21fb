// A client that changes its address, and paths that die.

#include <catch2/catch_test_macros.hpp>

#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

const IpAddress kBehind = *IpAddress::parse("203.0.113.9");

// Packets both ways, one in a millisecond, until `reached`. False after `limit`.
template <class Condition>
bool exchange_until(TunnelScene& scene, Condition reached, Clock::duration limit)
{
  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  const auto end = scene.network.now() + limit;
  for (std::uint32_t i = 0; scene.network.now() < end; ++i) {
    if (reached()) return true;
    scene.client->send(inner_packet(inside, kBehind, 1400, i));
    scene.gateway->send(inner_packet(kBehind, inside, 1400, i));
    scene.network.run_for(1ms);
  }
  return reached();
}

// How long full-sized packets take until they come through both ways again.
Clock::duration pause_after(TunnelScene& scene, const std::function<void()>& change)
{
  exchange_until(
      scene, [] { return false; }, 200ms);
  change();
  const auto start = scene.network.now();
  const auto up = scene.gateway->inner_count + 200;
  const auto down = scene.client->inner_count + 200;
  const bool resumed = exchange_until(
      scene, [&] { return scene.gateway->inner_count > up && scene.client->inner_count > down; },
      5s);
  CHECK(resumed);
  return scene.network.now() - start;
}

}  // namespace

TEST_CASE("roaming: a new address of the client continues the tunnel", "[sim][roaming]")
{
  TunnelScene scene;
  scene.client_setup.session.max_mtu_bytes = 1420;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  const std::size_t mtu_bytes = scene.client->parameters->mtu_bytes;
  const std::size_t told = scene.client->all_parameters.size();

  const auto pause = pause_after(scene, [&] { scene.client->roam_to(client_address(2)); });
  CHECK(pause < 400ms);  // 200 of them are the packets that are counted
  CHECK_FALSE(scene.client->closed());
  CHECK(scene.client->session().path_confirmed());
  CHECK(scene.gateway->sessions().size() == 1);
  CHECK(scene.gateway->over.empty());
  // The interface's MTU did not change for the moment in which the path was unknown.
  CHECK(scene.client->parameters->mtu_bytes == mtu_bytes);
  CHECK(scene.client->all_parameters.size() == told);
}

TEST_CASE("roaming: a client may move again and again", "[sim][roaming]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  for (std::uint32_t i = 2; i < 30; ++i) {
    const auto pause = pause_after(scene, [&] { scene.client->roam_to(client_address(i)); });
    REQUIRE(pause < 500ms);
  }
  CHECK(scene.gateway->sessions().size() == 1);
  CHECK(scene.gateway->over.empty());
}

TEST_CASE("roaming: a client may move in the middle of a move", "[sim][roaming]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  scene.client->roam_to(client_address(2));
  scene.network.run_for(5ms);
  const auto pause = pause_after(scene, [&] { scene.client->roam_to(client_address(3)); });
  CHECK(pause < 500ms);
  CHECK(scene.gateway->sessions().size() == 1);
}

TEST_CASE("roaming: a client that comes back to its first address goes on", "[sim][roaming]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  (void)pause_after(scene, [&] { scene.client->roam_to(client_address(2)); });
  UdpEndpoint again = client_address(1);
  ++again.port;  // a socket of its own, as every move has
  const auto pause = pause_after(scene, [&] { scene.client->roam_to(again); });
  CHECK(pause < 500ms);
  CHECK(scene.client->session().path_confirmed());
}

TEST_CASE("roaming: more moves than connection IDs end the tunnel at once, for a new one",
          "[sim][roaming]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  for (std::uint32_t i = 2; i < 7; ++i) scene.client->roam_to(client_address(i));
  REQUIRE(scene.client->closed());
  CHECK(scene.client->close_code() == Errc::unreachable);
  CHECK(is_retryable(scene.client->close_code()));
  scene.client_setup.address = client_address(7);
  CHECK(scene.connect());
}

TEST_CASE("roaming: a move during the handshake ends it at once, for a new one", "[sim][roaming]")
{
  TunnelScene scene;
  scene.client = std::make_unique<ClientHost>(scene.network, scene.client_setup);
  scene.network.run_for(15ms);
  scene.client->roam_to(client_address(2));
  CHECK(scene.client->closed());
  CHECK(is_retryable(scene.client->close_code()));
}

TEST_CASE("roaming: a path that leads nowhere is found within a second", "[sim][roaming]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  scene.network.shape(client_address(2), {.loss = 1});
  const auto start = scene.network.now();
  scene.client->roam_to(client_address(2));
  REQUIRE(scene.network.run_until([&] { return scene.client->closed(); }, 5s));
  CHECK(scene.network.now() - start <= 1s);
  CHECK(scene.client->close_code() == Errc::timed_out);
}

TEST_CASE("roaming: a smaller path is learned, and used", "[sim][roaming]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  scene.network.shape(client_address(2), {.mtu_bytes = 1400});
  scene.client->roam_to(client_address(2));
  scene.network.run_for(10s);
  REQUIRE_FALSE(scene.client->closed());
  CHECK(scene.client->parameters->mtu_bytes < 1372);
  CHECK(scene.client->parameters->mtu_bytes >= 1280);
}

TEST_CASE("roaming: a dead path is found in about three seconds when something is sent",
          "[sim][roaming]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  scene.network.shape(scene.client_setup.address, {.loss = 1});
  const auto start = scene.network.now();
  (void)exchange_until(
      scene, [&] { return scene.client->closed(); }, 10s);
  CHECK(scene.client->closed());
  CHECK(scene.network.now() - start <= 3500ms);
}

TEST_CASE("roaming: a dead path is found by the keep-alive when nothing is sent", "[sim][roaming]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  scene.network.shape(scene.client_setup.address, {.loss = 1});
  const auto start = scene.network.now();
  REQUIRE(scene.network.run_until([&] { return scene.client->closed(); }, 60s));
  CHECK(scene.network.now() - start <= quic::QuicOptions{}.keep_alive + 4s);
}

TEST_CASE("roaming: doubt finds a dead path in two seconds, and leaves a good one alone",
          "[sim][roaming]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(5s);
  const auto heard = scene.client->session().last_heard();
  scene.client->session().doubt(scene.network.now());
  scene.network.run_for(100ms);
  CHECK(scene.client->session().last_heard() > heard);
  scene.network.run_for(1s);
  REQUIRE_FALSE(scene.client->closed());

  scene.network.shape(scene.client_setup.address, {.loss = 1});
  scene.client->session().doubt(scene.network.now());
  const auto start = scene.network.now();
  REQUIRE(scene.network.run_until([&] { return scene.client->closed(); }, 10s));
  CHECK(scene.network.now() - start <= 2s);
}

TEST_CASE("roaming: a gateway that forgot a sleeping client tells it with the first question",
          "[sim][roaming]")
{
  GatewaySetup setup;
  setup.endpoint.reset_secret = quic::ResetSecret{1, 2, 3};
  TunnelScene scene{setup};
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  scene.gateway->restart(quic::ResetSecret{1, 2, 3});
  scene.client->session().doubt(scene.network.now());
  REQUIRE(scene.network.run_until([&] { return scene.client->closed(); }, 100ms));
  CHECK(scene.client->close_code() == Errc::peer_closed);
}

TEST_CASE("roaming: a host without a way gives up after three seconds, unless one comes",
          "[sim][roaming]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  scene.network.shape(scene.client_setup.address, {.loss = 1});
  scene.client->session().lose_way(scene.network.now());
  SECTION("none comes")
  {
    const auto start = scene.network.now();
    REQUIRE(scene.network.run_until([&] { return scene.client->closed(); }, 10s));
    CHECK(scene.network.now() - start <= 3s);
    CHECK(scene.client->close_code() == Errc::unreachable);
  }
  SECTION("one comes")
  {
    scene.network.run_for(2s);
    const auto pause = pause_after(scene, [&] { scene.client->roam_to(client_address(2)); });
    CHECK(pause < 500ms);
    CHECK_FALSE(scene.client->closed());
  }
}

TEST_CASE("roaming: the gateway sends little to an address that has not been proven",
          "[sim][roaming]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(2s);
  const UdpEndpoint victim = client_address(99);
  std::uint64_t from_client = 0;
  std::uint64_t to_victim = 0;
  // Somebody replays the client's packets from the victim's address; nothing comes back from there.
  scene.network.filter = [&](const UdpEndpoint& from, const UdpEndpoint& to, ByteView payload) {
    if (to == victim) to_victim += payload.size();
    if (from == victim) from_client += payload.size();
    return to != victim;
  };
  scene.client->move_to(victim);
  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  scene.client->send(inner_packet(inside, kBehind, 100));
  for (std::uint32_t i = 0; i < 200; ++i) {
    scene.gateway->send(inner_packet(kBehind, inside, 1200, i));
    scene.network.run_for(1ms);
  }
  scene.network.run_for(500ms);
  CHECK(from_client > 0);
  CHECK(to_victim > 0);
  CHECK(to_victim <= 3 * from_client);
}
