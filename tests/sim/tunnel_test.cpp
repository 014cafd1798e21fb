// One client, one gateway, a good network.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "libtunnel/base/build_info.hpp"
#include "libtunnel/core/wire/ip_packet.hpp"
#include "libtunnel/crypto/aead_speed.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/packets.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

const IpAddress kBehindV4 = ip("203.0.113.9");
const IpAddress kBehindV6 = ip("2001:db8:9::9");

const IpAddress& behind(IpVersion version)
{
  return version == IpVersion::v4 ? kBehindV4 : kBehindV6;
}

// Makes the IPv4 packet in `packet` a fragment; the header's checksum stays unset.
ByteVector as_fragment(ByteVector packet)
{
  packet[6] = std::byte{0x20};  // more fragments
  return packet;
}

}  // namespace

TEST_CASE("tunnel: a client gets addresses of both families", "[sim][tunnel]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  CHECK(scene.client->inner_address(IpVersion::v4) == ip("10.77.0.2"));
  CHECK(scene.client->inner_address(IpVersion::v6) == ip("fd00:77::2"));
  CHECK(scene.client->parameters->mtu_bytes == 1438);
  CHECK(scene.client->parameters->routes.size() == 2);
  REQUIRE(scene.gateway->sessions().size() == 1);
  REQUIRE(scene.gateway->visitors.size() == 1);
  CHECK(scene.gateway->visitors[0].client == "client1");
  CHECK(scene.gateway->visitors[0].remote == scene.client_setup.address);
}

TEST_CASE("tunnel: a client is told what the gateway grants beyond CONNECT-IP", "[sim][tunnel]")
{
  GatewaySetup setup;
  setup.features.measurement = {*UdpEndpoint::parse("10.77.0.1:5202")};
  TunnelScene scene{setup};
  REQUIRE(scene.connect());
  CHECK(scene.client->parameters->features == setup.features);
}

TEST_CASE("tunnel: a gateway that grants nothing says nothing", "[sim][tunnel]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  CHECK(scene.client->parameters->features == wire::FeatureGrants{});
}

TEST_CASE("tunnel: comes up in two round trips", "[sim][tunnel]")
{
  TunnelScene scene;
  const auto start = scene.network.now();
  REQUIRE(scene.connect());
  // Handshake, then request and answer; SETTINGS come with the end of the handshake.
  CHECK(scene.network.now() - start <= 3 * 20ms);
}

TEST_CASE("tunnel: the key exchange is post-quantum where the library can", "[sim][tunnel]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  const quic::HandshakeFacts facts = scene.client->session().handshake_facts();
  if (build_info().tls_name == "AWS-LC")
    CHECK(facts.key_exchange_group == "X25519MLKEM768");
  else
    CHECK((facts.key_exchange_group == "X25519MLKEM768" || facts.key_exchange_group == "X25519"));
  if (crypto::fastest_aead() == crypto::Aead::aes_128_gcm)
    CHECK(facts.cipher == "TLS_AES_128_GCM_SHA256");
  else
    CHECK(facts.cipher == "TLS_CHACHA20_POLY1305_SHA256");
}

TEST_CASE("tunnel: packets of every size arrive unchanged in both directions", "[sim][tunnel]")
{
  const IpVersion version = GENERATE(IpVersion::v4, IpVersion::v6);
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  const IpAddress inside = scene.client->inner_address(version);
  const std::size_t header_bytes = version == IpVersion::v4 ? 20 : 40;

  std::vector<ByteVector> up;
  std::vector<ByteVector> down;
  for (std::size_t size = header_bytes; size <= scene.client->parameters->mtu_bytes; ++size) {
    const auto seed = static_cast<std::uint32_t>(size);
    up.push_back(inner_packet(inside, behind(version), size, seed));
    down.push_back(inner_packet(behind(version), inside, size, seed + 5000));
    scene.client->send(up.back());
    scene.gateway->send(down.back());
    scene.network.run_for(1ms);
  }
  scene.network.run_for(1s);
  CHECK(scene.gateway->inner == up);
  CHECK(scene.client->inner == down);
  CHECK(scene.client->session().counters().drops.total() == 0);
  CHECK(scene.gateway->counters().drops.total() == 0);
  CHECK(scene.client->session().counters().sent_packets == up.size());
  CHECK(scene.client->session().counters().received_packets == down.size());
}

TEST_CASE("tunnel: works over an IPv6 network", "[sim][tunnel]")
{
  TunnelScene scene{{.address = kGatewayV6},
                    {.address = client_address(1, IpVersion::v6), .gateway = kGatewayV6}};
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  CHECK(scene.client->parameters->mtu_bytes == 1418);
  CHECK(scene.network.counters().too_big == 0);
  scene.client->send(inner_packet(scene.client->inner_address(IpVersion::v6), kBehindV6, 1418));
  scene.network.run_for(100ms);
  CHECK(scene.gateway->inner_count == 1);
}

TEST_CASE("tunnel: the gateway drops and counts packets with a foreign source", "[sim][tunnel]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  // The client's own filter is in the way, so the packets come from a client that has none.
  // Its addresses are told apart from ours by the gateway alone.
  scene.client->send(inner_packet(ip("10.77.0.3"), kBehindV4, 100));
  scene.client->send(inner_packet(ip("fd00:77::3"), kBehindV6, 100));
  scene.network.run_for(100ms);
  CHECK(scene.gateway->inner_count == 0);
  CHECK(scene.client->session().counters().drops[DropReason::foreign_source] == 2);
}

TEST_CASE("tunnel: the client drops packets from the gateway that are not for it", "[sim][tunnel]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  scene.gateway->send(inner_packet(kBehindV4, ip("10.77.0.9"), 100));
  scene.network.run_for(100ms);
  CHECK(scene.client->inner_count == 0);
  CHECK(scene.gateway->counters().drops[DropReason::no_route] == 1);
}

TEST_CASE("tunnel: fragments pass when their source is right", "[sim][tunnel]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  const ByteVector up = as_fragment(inner_packet(inside, kBehindV4, 500));
  const ByteVector down = as_fragment(inner_packet(kBehindV4, inside, 500));
  scene.client->send(up);
  scene.gateway->send(down);
  scene.network.run_for(100ms);
  CHECK(scene.gateway->inner == std::vector<ByteVector>{up});
  CHECK(scene.client->inner == std::vector<ByteVector>{down});
}

TEST_CASE("tunnel: malformed inner packets are dropped on both sides", "[sim][tunnel]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  const IpAddress inside = scene.client->inner_address(IpVersion::v4);
  for (const char* text : {"", "45", "00112233445566778899", "450000ff0000000000000000"}) {
    scene.client->send(hex(text));
    scene.gateway->send(hex(text));
  }
  ByteVector lies = inner_packet(inside, kBehindV4, 100);
  lies.resize(50);
  scene.client->send(lies);
  scene.network.run_for(100ms);
  CHECK(scene.gateway->inner_count == 0);
  CHECK(scene.client->session().counters().drops[DropReason::malformed] == 5);
  CHECK(scene.gateway->counters().drops[DropReason::malformed] == 4);
  CHECK_FALSE(scene.client->closed());
}

TEST_CASE("tunnel: clients are kept apart unless the gateway allows it", "[sim][tunnel]")
{
  const bool allowed = GENERATE(false, true);
  GatewaySetup setup;
  setup.endpoint.client_to_client = allowed;
  setup.rules.anonymous = true;
  TunnelScene scene{setup};
  ClientHost second{scene.network, {.address = client_address(2)}};
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  REQUIRE(second.online());

  const ByteVector packet = inner_packet(scene.client->inner_address(IpVersion::v4),
                                         second.inner_address(IpVersion::v4), 200);
  scene.client->send(packet);
  scene.network.run_for(100ms);
  CHECK(scene.gateway->counters().drops[DropReason::client_to_client] == (allowed ? 0 : 1));
  CHECK(scene.gateway->inner_count == (allowed ? 1 : 0));  // the kernel forwards it back
}

TEST_CASE("tunnel: packets before the first address are dropped and counted", "[sim][tunnel]")
{
  GatewaySetup setup;
  TunnelScene scene{setup};
  scene.gateway->admits_at_once = false;
  REQUIRE_FALSE(scene.connect(1s));
  scene.client->send(inner_packet(ip("10.77.0.2"), kBehindV4, 100));
  CHECK(scene.client->waiting() == 0);
  CHECK(scene.client->session().counters().drops[DropReason::not_assigned] == 1);
}

TEST_CASE("tunnel: the control thread may answer an admission later", "[sim][tunnel]")
{
  TunnelScene scene;
  scene.gateway->admits_at_once = false;
  REQUIRE_FALSE(scene.connect(1s));
  REQUIRE(scene.gateway->visitors.size() == 1);
  scene.gateway->admit(session::SessionId{1}, scene.gateway->visitors[0]);
  CHECK(scene.network.run_until([&] { return scene.client->online(); }, 1s));
}
