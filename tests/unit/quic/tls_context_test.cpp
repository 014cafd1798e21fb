#include <catch2/catch_test_macros.hpp>

#include "libtunnel/quic/tls_context.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::quic;
using namespace slopn::test;

namespace {

ClientTlsOptions trusting(ServerTrust trust)
{
  return {.trust = std::move(trust), .server_name = "gateway.example", .certificate = std::nullopt};
}

}  // namespace

TEST_CASE("TLS: a client must pin a key or trust authorities", "[unit][tls]")
{
  const auto nobody = TlsContext::for_client(trusting(PinnedKeys{}));
  REQUIRE(nobody.has_error());
  CHECK(nobody.error().code == Errc::invalid_argument);
  CHECK(TlsContext::for_client(trusting(PinnedKeys{{gateway_pin()}})).has_value());
}

TEST_CASE("TLS: authorities come from a file that must exist", "[unit][tls]")
{
  const auto none =
      TlsContext::for_client(trusting(CertificateAuthorities{"/nowhere/authorities.pem"}));
  REQUIRE(none.has_error());
  CHECK(none.error().context.find("/nowhere/authorities.pem") != std::string::npos);
}

TEST_CASE("TLS: authorities without a name to check are refused", "[unit][tls]")
{
  ClientTlsOptions options = trusting(CertificateAuthorities{});
  options.server_name.clear();
  const auto context = TlsContext::for_client(options);
  REQUIRE(context.has_error());
  CHECK(context.error().code == Errc::invalid_argument);
}

TEST_CASE("TLS: an identity must be a certificate with its own key", "[unit][tls]")
{
  const crypto::Identity good = gateway_identity();
  const crypto::Identity other = *crypto::make_self_signed_identity("other");
  CHECK(TlsContext::for_server({.identity = good}).has_value());
  CHECK_FALSE(TlsContext::for_server({.identity = {good.certificate_pem, other.private_key_pem}})
                  .has_value());
  CHECK_FALSE(
      TlsContext::for_server({.identity = {"no certificate", good.private_key_pem}}).has_value());
  CHECK_FALSE(
      TlsContext::for_server({.identity = {good.certificate_pem, Secret<std::string>{"no key"}}})
          .has_value());
  ClientTlsOptions client = trusting(PinnedKeys{{gateway_pin()}});
  client.certificate = crypto::Identity{good.certificate_pem, other.private_key_pem};
  CHECK_FALSE(TlsContext::for_client(client).has_value());
}

TEST_CASE("TLS: a whole chain is taken", "[unit][tls]")
{
  const crypto::Identity leaf = gateway_identity();
  const crypto::Identity issuer = *crypto::make_self_signed_identity("issuer");
  CHECK(TlsContext::for_server(
            {.identity = {leaf.certificate_pem + issuer.certificate_pem, leaf.private_key_pem}})
            .has_value());
}
