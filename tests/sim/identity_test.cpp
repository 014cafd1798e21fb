// Who gets a tunnel, and what everybody else is told.

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/hex.hpp"
#include "tests/support/http3_peers.hpp"
#include "tests/support/temporary_dir.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

// A file with certificates that goes when this does.
struct PemFile {
  explicit PemFile(const std::string& text) { std::ofstream{path} << text; }

  TemporaryDir folder;
  std::filesystem::path path = folder / "certificates.pem";
};

crypto::Identity client_certificate()
{
  return *crypto::make_self_signed_identity("laptop");
}

session::AdmissionRules rules_for_certificate(const crypto::Identity& identity)
{
  const auto pin = *crypto::spki_pin(identity.certificate_pem);
  session::AdmissionRules rules;
  rules.clients =
      *AccessList::make({{"laptop", *ClientKey::make(ClientKeyKind::certificate_spki,
                                                     view(pin.sha256.data(), pin.sha256.size()))}});
  return rules;
}

}  // namespace

TEST_CASE("identity: a gateway with another key is refused for good", "[sim][identity]")
{
  ClientSetup setup;
  setup.trust = quic::PinnedKeys{
      {*crypto::spki_pin(crypto::make_self_signed_identity("impostor")->certificate_pem)}};
  TunnelScene scene{{}, setup};
  CHECK_FALSE(scene.connect());
  REQUIRE(scene.client->closed());
  CHECK(scene.client->close_code() == Errc::identity_mismatch);
  CHECK_FALSE(is_retryable(scene.client->close_code()));
  CHECK(scene.gateway->visitors.empty());
  scene.network.run_for(1s);
  CHECK(scene.gateway->endpoint().connections() == 0);  // it has been told
}

TEST_CASE("identity: one of several pinned keys is enough", "[sim][identity]")
{
  ClientSetup setup;
  setup.trust = quic::PinnedKeys{
      {*crypto::spki_pin(crypto::make_self_signed_identity("next")->certificate_pem),
       gateway_pin()}};
  TunnelScene scene{{}, setup};
  CHECK(scene.connect());
}

TEST_CASE("identity: authorities vouch for a name, and for no other", "[sim][identity]")
{
  const PemFile right{gateway_identity().certificate_pem};
  const PemFile wrong{crypto::make_self_signed_identity("gateway.example")->certificate_pem};
  ClientSetup setup;
  setup.trust = quic::CertificateAuthorities{right.path};
  SECTION("the right name")
  {
    TunnelScene scene{{}, setup};
    const bool connected = scene.connect();
    INFO((scene.client->closed() ? scene.client->session().close_reason().message() : ""));
    CHECK(connected);
  }
  SECTION("another name")
  {
    setup.server_name = "other.example";
    TunnelScene scene{{}, setup};
    CHECK_FALSE(scene.connect());
    CHECK(scene.client->close_code() == Errc::identity_mismatch);
  }
  SECTION("an address is no name")
  {
    setup.server_name = "192.0.2.1";
    TunnelScene scene{{}, setup};
    CHECK_FALSE(scene.connect());
    CHECK(scene.client->close_code() == Errc::identity_mismatch);
  }
  SECTION("another authority")
  {
    setup.trust = quic::CertificateAuthorities{wrong.path};
    TunnelScene scene{{}, setup};
    CHECK_FALSE(scene.connect());
    CHECK(scene.client->close_code() == Errc::identity_mismatch);
  }
  SECTION("the system's authorities do not know it")
  {
    setup.trust = quic::CertificateAuthorities{};
    TunnelScene scene{{}, setup};
    CHECK_FALSE(scene.connect());
    CHECK(scene.client->close_code() == Errc::identity_mismatch);
  }
}

TEST_CASE("identity: an unknown key is refused like a mistyped address", "[sim][identity]")
{
  ClientSetup setup;
  setup.session.credentials = session::ConcealedKey{crypto::KeyPair::generate()};
  TunnelScene scene{{}, setup};
  CHECK_FALSE(scene.connect());
  REQUIRE(scene.client->closed());
  CHECK(scene.client->close_code() == Errc::auth_rejected);
  CHECK_FALSE(is_retryable(scene.client->close_code()));
  CHECK(scene.gateway->visitors.empty());
}

TEST_CASE("identity: a client without credentials is refused", "[sim][identity]")
{
  TunnelScene scene;
  scene.client_setup.session.credentials = session::NoCredentials{};
  CHECK_FALSE(scene.connect());
  REQUIRE(scene.client->closed());
  CHECK(scene.client->close_code() == Errc::auth_rejected);
}

TEST_CASE("identity: a replayed proof fails on another connection", "[sim][identity]")
{
  TunnelScene scene;
  Http3Visitor honest{scene.network, client_address(7), kGatewayV4};
  REQUIRE(honest.connect());
  const std::string proof = honest.concealed_authorization(scene.key);

  Http3Visitor thief{scene.network, client_address(8), kGatewayV4};
  REQUIRE(thief.connect());
  auto stolen = thief.tunnel_request();
  stolen.add("authorization", proof);
  CHECK(thief.ask(stolen, Http3Visitor::Body::open).status() == "404");
  CHECK(scene.gateway->visitors.empty());

  // On the connection it was made for, the same bytes are good.
  auto request = honest.tunnel_request();
  request.add("authorization", proof);
  const auto stream = honest.request(request, Http3Visitor::Body::open);
  scene.network.run_for(1s);
  CHECK(honest.messages[stream].status() == "200");
  CHECK(scene.gateway->visitors.size() == 1);
}

TEST_CASE("identity: a proof for another host name fails", "[sim][identity]")
{
  TunnelScene scene;
  Http3Visitor visitor{scene.network, client_address(7), kGatewayV4};
  REQUIRE(visitor.connect());
  const quic::HeaderList usual = visitor.tunnel_request();
  quic::HeaderList request;
  for (const quic::HeaderField& field : usual.fields())
    request.add(field.name, field.name == ":authority" ? "elsewhere.example" : field.value);
  request.add("authorization", visitor.concealed_authorization(scene.key));
  CHECK(visitor.ask(request, Http3Visitor::Body::open).status() == "404");
}

TEST_CASE("identity: damaged Authorization headers are like none", "[sim][identity]")
{
  TunnelScene scene;
  Http3Visitor visitor{scene.network, client_address(7), kGatewayV4};
  REQUIRE(visitor.connect());
  std::string proof = visitor.concealed_authorization(scene.key);
  proof[proof.rfind("p=") + 10] ^= 1;
  for (const std::string& value :
       {proof, std::string{"Concealed"}, std::string{"Concealed k=, a=, s=2055, v=, p="},
        std::string{"Bearer abc"}, std::string{"Basic eDp5"}, std::string(5000, 'x')}) {
    auto request = visitor.tunnel_request();
    request.add("authorization", value);
    CHECK(visitor.ask(request, Http3Visitor::Body::open).status() == "404");
  }
  CHECK(scene.gateway->visitors.empty());
}

TEST_CASE("identity: an anonymous client is let in only when the gateway says so",
          "[sim][identity]")
{
  GatewaySetup setup;
  setup.rules.anonymous = true;
  TunnelScene scene{setup};
  scene.client_setup.session.credentials = session::NoCredentials{};
  REQUIRE(scene.connect());
  REQUIRE(scene.gateway->visitors.size() == 1);
  CHECK(scene.gateway->visitors[0].client == "anonymous");
  CHECK_FALSE(scene.gateway->visitors[0].key);
}

TEST_CASE("identity: a TLS client certificate that is listed opens the tunnel", "[sim][identity]")
{
  const crypto::Identity certificate = client_certificate();
  GatewaySetup gateway{.rules = rules_for_certificate(certificate),
                       .request_client_certificate = true};
  TunnelScene scene{gateway};
  scene.client_setup.session.credentials = session::NoCredentials{};
  scene.client_setup.certificate = certificate;
  REQUIRE(scene.connect());
  CHECK(scene.gateway->visitors[0].client == "laptop");
}

TEST_CASE("identity: another certificate, or none, does not", "[sim][identity]")
{
  GatewaySetup gateway{.rules = rules_for_certificate(client_certificate()),
                       .request_client_certificate = true};
  TunnelScene scene{gateway};
  scene.client_setup.session.credentials = session::NoCredentials{};
  SECTION("another")
  {
    scene.client_setup.certificate = client_certificate();
  }
  SECTION("none") {}
  CHECK_FALSE(scene.connect());
  CHECK(scene.client->close_code() == Errc::auth_rejected);
}

TEST_CASE("identity: a bearer token is sent as it is, and only when asked for", "[sim][identity]")
{
  SimulatedNetwork network;
  Http3Server server{network, kGatewayV4};
  std::string seen = "nothing";
  server.on_request = [&](quic::StreamId stream, const quic::HeaderList& request) {
    seen = request.get("authorization");
    (void)server.http().send_response(stream, {{":status", "401"}});
    server.http().finish(stream);
  };
  ClientSetup setup;
  std::string expected;
  SECTION("token")
  {
    setup.session.credentials = session::BearerCredentials{Secret<std::string>{"abc.def-ghi"}};
    expected = "Bearer abc.def-ghi";
  }
  SECTION("none") {}
  ClientHost client{network, setup};
  CHECK(network.run_until([&] { return client.closed(); }, 5s));
  CHECK(seen == expected);
  CHECK(client.close_code() == Errc::auth_rejected);
}

TEST_CASE("identity: an exhausted pool is a clear refusal", "[sim][identity]")
{
  GatewaySetup setup;
  setup.rules.anonymous = true;
  setup.pools = {*IpPrefix::parse("10.77.0.0/30")};  // the gateway and one client
  TunnelScene scene{setup};
  REQUIRE(scene.connect());
  ClientHost second{scene.network, {.address = client_address(2)}};
  REQUIRE(scene.network.run_until([&] { return second.closed(); }, 5s));
  CHECK(second.close_code() == Errc::pool_exhausted);
  CHECK(is_retryable(second.close_code()));
  CHECK(second.session().close_reason().context.find("no inner address") != std::string::npos);
  CHECK_FALSE(scene.client->closed());

  // The address becomes free when its holder leaves.
  scene.client->close();
  scene.network.run_for(1s);
  ClientHost third{scene.network, {.address = client_address(3)}};
  CHECK(scene.network.run_until([&] { return third.online(); }, 5s));
}
