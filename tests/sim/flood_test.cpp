// Strangers: floods, garbage, unknown versions.

#include <catch2/catch_test_macros.hpp>

#include <random>

#include "libtunnel/quic/server_door.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/http3_peers.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

UdpEndpoint spoofed(std::uint32_t number)
{
  const auto byte = [&](unsigned shift) { return static_cast<std::uint8_t>(number >> shift); };
  return {IpAddress::v4({100, byte(16), byte(8), byte(0)}), 1024};
}

// The first packet of a real client, with nobody to answer to.
std::vector<ByteVector> real_initials()
{
  SimulatedNetwork nowhere;
  std::vector<ByteVector> packets;
  nowhere.filter = [&](const UdpEndpoint&, const UdpEndpoint&, ByteView payload) {
    packets.emplace_back(payload.begin(), payload.end());
    return false;
  };
  Http3Visitor visitor{nowhere, client_address(99), kGatewayV4};
  return packets;
}

// A first packet with another destination connection ID cannot be decrypted, but costs state as
// long as nobody looks.
ByteVector with_random_id(ByteVector initial, std::mt19937& random)
{
  for (std::size_t i = 6; i < 6 + 8; ++i) initial[i] = static_cast<std::byte>(random());
  return initial;
}

// A fresh, valid first packet for each call.
ByteVector new_initial()
{
  return real_initials().front();
}

bool is_retry(ByteView packet)
{
  return (std::to_integer<unsigned>(packet[0]) & 0xf0U) == 0xf0U;
}

}  // namespace

TEST_CASE("flood: 10,000 spoofed first packets leave memory bounded and are soon gone",
          "[sim][flood]")
{
  TunnelScene scene;
  std::mt19937 random{7};
  const ByteVector initial = new_initial();
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    scene.network.send(spoofed(i), kGatewayV4, 0, with_random_id(initial, random));
    if (i % 10 == 0) scene.network.run_for(1ms);
    most = std::max(most, scene.gateway->endpoint().connections());
  }
  CHECK(most <= session::GatewayEndpointOptions{}.retry_above_handshakes);
  scene.network.run_for(15s);  // past the handshake timeout
  CHECK(scene.gateway->endpoint().connections() == 0);
  CHECK(scene.gateway->endpoint().handshakes() == 0);
}

TEST_CASE("flood: valid first packets from forged addresses are bounded too", "[sim][flood]")
{
  TunnelScene scene;
  std::uint64_t retries = 0;
  scene.network.filter = [&](const UdpEndpoint& from, const UdpEndpoint&, ByteView payload) {
    if (from == kGatewayV4 && is_retry(payload)) ++retries;
    return true;
  };
  for (std::uint32_t i = 0; i < 300; ++i) {
    scene.network.send(spoofed(i), kGatewayV4, 0, new_initial());
    scene.network.run_for(1ms);
  }
  CHECK(scene.gateway->endpoint().handshakes() ==
        session::GatewayEndpointOptions{}.retry_above_handshakes);
  CHECK(retries > 200);

  // A real client gets in meanwhile: it proves its address by answering the Retry.
  CHECK(scene.connect());
  scene.network.run_for(15s);
  CHECK(scene.gateway->endpoint().connections() == 1);
  CHECK_FALSE(scene.client->closed());
}

TEST_CASE("flood: answers to forged first packets stay below three times their size",
          "[sim][flood]")
{
  TunnelScene scene;
  std::map<UdpEndpoint, std::size_t> received;
  std::map<UdpEndpoint, std::size_t> answered;
  scene.network.filter = [&](const UdpEndpoint& from, const UdpEndpoint& to, ByteView payload) {
    if (from == kGatewayV4) answered[to] += payload.size();
    if (to == kGatewayV4) received[from] += payload.size();
    return true;
  };
  for (std::uint32_t i = 0; i < 100; ++i) {
    scene.network.send(spoofed(i), kGatewayV4, 0, new_initial());
    scene.network.run_for(1ms);
  }
  scene.network.run_for(15s);
  for (const auto& [address, size] : answered) CHECK(size <= 3 * received[address]);
}

TEST_CASE("flood: a Retry token works for nobody else", "[sim][flood]")
{
  GatewaySetup setup;
  setup.endpoint.retry_above_handshakes = 0;  // always
  TunnelScene scene{setup};
  std::vector<ByteVector> with_token;
  scene.network.filter = [&](const UdpEndpoint& from, const UdpEndpoint& to, ByteView payload) {
    if (to == kGatewayV4 && from == scene.client_setup.address && with_token.size() < 4)
      with_token.emplace_back(payload.begin(), payload.end());
    return true;
  };
  REQUIRE(scene.connect());
  CHECK(scene.gateway->endpoint().connections() == 1);
  scene.client->close();
  scene.network.run_for(1s);
  REQUIRE(scene.gateway->endpoint().connections() == 0);
  for (const ByteVector& packet : with_token) scene.network.send(spoofed(1), kGatewayV4, 0, packet);
  scene.network.run_for(1s);
  CHECK(scene.gateway->endpoint().connections() == 0);
}

TEST_CASE("flood: a greeting whose second half comes first costs a round trip, not a second",
          "[sim][flood]")
{
  TunnelScene scene;
  std::vector<ByteVector> held;
  bool passing = false;
  scene.network.filter = [&](const UdpEndpoint& from, const UdpEndpoint&, ByteView payload) {
    if (passing || from == kGatewayV4 || held.size() >= 2) return true;
    held.emplace_back(payload.begin(), payload.end());
    if (held.size() < 2) return false;
    passing = true;
    scene.network.send(from, kGatewayV4, 0, held[1]);
    scene.network.send(from, kGatewayV4, 0, held[0]);
    passing = false;
    return false;
  };
  const auto start = scene.network.now();
  REQUIRE(scene.connect());
  if (scene.client->session().handshake_facts().key_exchange_group != "X25519MLKEM768")
    SKIP("a greeting without it fits into one packet");
  CHECK(scene.network.now() - start < 500ms);
}

TEST_CASE("flood: an unknown version is answered with those we speak", "[sim][flood]")
{
  TunnelScene scene;
  std::vector<ByteVector> answers;
  scene.network.filter = [&](const UdpEndpoint& from, const UdpEndpoint&, ByteView payload) {
    if (from == kGatewayV4) answers.emplace_back(payload.begin(), payload.end());
    return true;
  };
  ByteVector packet = hex("c0 1a2a3a4a 08 1122334455667788 04 aabbccdd");
  packet.resize(1200);
  scene.network.send(client_address(5), kGatewayV4, 0, packet);
  scene.network.run_for(100ms);
  REQUIRE(answers.size() == 1);
  const ByteView answer{answers[0]};
  // Version 0, the IDs exchanged, then versions; RFC 9000 section 17.2.1.
  CHECK(to_hex(answer.subspan(1, 4)) == "00000000");
  CHECK(to_hex(answer.subspan(5, 14)) == "04aabbccdd081122334455667788");
  CHECK(to_hex(answer.subspan(19)).find("00000001") != std::string::npos);
  CHECK(scene.gateway->endpoint().connections() == 0);

  SECTION("but not when it is short, which would make us an amplifier")
  {
    packet.resize(300);
    scene.network.send(client_address(5), kGatewayV4, 0, packet);
    scene.network.run_for(100ms);
    CHECK(answers.size() == 1);
  }
}

TEST_CASE("flood: a gateway without a common version is a clear failure", "[sim][flood]")
{
  SimulatedNetwork network;
  ClientHost client{network, {}};
  // Answer with versions nobody knows, as an on-path gateway from the future would.
  network.filter = [&](const UdpEndpoint& from, const UdpEndpoint&, ByteView payload) {
    if (from != client_address(1)) return true;
    const std::size_t dcid = std::to_integer<std::size_t>(payload[5]);
    const std::size_t scid = std::to_integer<std::size_t>(payload[6 + dcid]);
    ByteVector answer = hex("80 00000000");
    answer.push_back(static_cast<std::byte>(scid));
    for (const std::byte one : payload.subspan(7 + dcid, scid)) answer.push_back(one);
    answer.push_back(static_cast<std::byte>(dcid));
    for (const std::byte one : payload.subspan(6, dcid)) answer.push_back(one);
    for (const std::byte one : hex("5a5a5a5a")) answer.push_back(one);
    network.send(kGatewayV4, client_address(1), 0, answer);
    return false;
  };
  CHECK(network.run_until([&] { return client.closed(); }, 15s));
  CHECK(client.close_code() == Errc::protocol_violation);
}

TEST_CASE("flood: garbage neither crashes nor is remembered", "[sim][flood]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  std::mt19937 random{3};
  const ByteVector initial = new_initial();
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    ByteVector packet(random() % 1500);
    for (std::byte& one : packet) one = static_cast<std::byte>(random());
    if (i % 3 == 0 && packet.size() > 20)  // looks like the start of a connection
      std::copy(initial.begin(), initial.begin() + 20, packet.begin());
    if (i % 5 == 0)  // from the client's own address
      scene.network.send(scene.client_setup.address, kGatewayV4, 0, packet);
    else
      scene.network.send(spoofed(i % 100), kGatewayV4, 0, packet);
    if (i % 7 == 0) scene.network.send(kGatewayV4, scene.client_setup.address, 0, packet);
    if (i % 100 == 0) scene.network.run_for(10ms);
  }
  scene.network.run_for(15s);
  CHECK(scene.gateway->endpoint().connections() == 1);
  CHECK_FALSE(scene.client->closed());
}

TEST_CASE("flood: changed copies of real packets do not disturb the tunnel", "[sim][flood]")
{
  TunnelScene scene;
  std::mt19937 random{11};
  bool inside = false;
  scene.network.filter = [&](const UdpEndpoint& from, const UdpEndpoint& to, ByteView payload) {
    if (inside) return true;
    inside = true;
    ByteVector copy{payload.begin(), payload.end()};
    copy[random() % copy.size()] ^= static_cast<std::byte>(1U << (random() % 8));
    scene.network.send(from, to, 0, copy);
    inside = false;
    return true;
  };
  const bool connected = scene.connect();
  INFO((scene.client->closed() ? scene.client->session().close_reason().message() : "open"));
  REQUIRE(connected);
  scene.network.run_for(1s);
  const IpAddress own = scene.client->inner_address(IpVersion::v4);
  for (std::uint32_t i = 0; i < 200; ++i) {
    scene.client->send(inner_packet(own, ip("203.0.113.9"), 800, i));
    scene.network.run_for(1ms);
  }
  scene.network.run_for(1s);
  CHECK(scene.gateway->inner_count == 200);
}

TEST_CASE("flood: strangers that fill every place do not keep a client out", "[sim][flood]")
{
  GatewaySetup setup;
  setup.endpoint.max_visitors = 20;
  setup.endpoint.max_sessions = 21;
  TunnelScene scene{setup};
  REQUIRE(scene.connect());
  std::vector<std::unique_ptr<Http3Visitor>> strangers;
  for (std::uint32_t i = 0; i < 50; ++i) {
    strangers.push_back(
        std::make_unique<Http3Visitor>(scene.network, client_address(100 + i), kGatewayV4));
    scene.network.run_for(10ms);
    CHECK(scene.gateway->endpoint().connections() <= 21);
  }
  scene.network.run_for(1s);
  CHECK(scene.gateway->endpoint().connections() == 21);
  CHECK(strangers.front()->quic().closed());  // the first to come is the first to go
  CHECK_FALSE(strangers.back()->quic().closed());
  CHECK_FALSE(scene.client->closed());

  scene.client->close();
  scene.network.run_for(100ms);
  CHECK(scene.connect());
}

TEST_CASE("flood: visitors who ask for nothing leave in time", "[sim][flood]")
{
  TunnelScene scene;
  std::vector<std::unique_ptr<Http3Visitor>> visitors;
  for (std::uint32_t i = 0; i < 50; ++i) {
    // Kept alive by themselves, for ever if we let them.
    visitors.push_back(std::make_unique<Http3Visitor>(
        scene.network, client_address(100 + i), kGatewayV4, quic::QuicOptions{.keep_alive = 5s}));
  }
  scene.network.run_for(5s);
  CHECK(scene.gateway->endpoint().connections() == 50);
  CHECK(scene.gateway->endpoint().handshakes() == 0);
  scene.network.run_for(90s);
  CHECK(scene.gateway->endpoint().connections() == 0);
}
