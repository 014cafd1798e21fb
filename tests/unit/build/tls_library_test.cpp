// The libraries that the build chose fit together: they link, and TLS can do what QUIC needs.

#include <nghttp3/nghttp3.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_boringssl.h>
#include <openssl/ssl.h>

#include <catch2/catch_test_macros.hpp>
#include <memory>

#include "libtunnel/base/build_info.hpp"

namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

}  // namespace

TEST_CASE("tls library: makes a context for QUIC with ngtcp2's glue", "[unit][build]")
{
  const Context context{SSL_CTX_new(TLS_method())};
  REQUIRE(context != nullptr);
  CHECK(ngtcp2_crypto_boringssl_configure_client_context(context.get()) == 0);
}

TEST_CASE("tls library: AWS-LC offers X25519MLKEM768", "[unit][build]")
{
  if (slopn::build_info().tls_name != "AWS-LC") SKIP("built with BoringSSL");
  const Context context{SSL_CTX_new(TLS_method())};
  REQUIRE(context != nullptr);
  CHECK(SSL_CTX_set1_groups_list(context.get(), "X25519MLKEM768:X25519") == 1);
}

TEST_CASE("quic libraries: headers and libraries have the same version", "[unit][build]")
{
  CHECK(ngtcp2_version(0)->version_num == NGTCP2_VERSION_NUM);
  CHECK(nghttp3_version(0)->version_num == NGHTTP3_VERSION_NUM);
}
