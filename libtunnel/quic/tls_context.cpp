#include "libtunnel/quic/tls_context.hpp"

#include <ngtcp2/ngtcp2_crypto_boringssl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/overloaded.hpp"
#include "libtunnel/crypto/aead_speed.hpp"

namespace slopn::quic {
namespace {

constexpr const char* kGroupsWithPostQuantum = "X25519MLKEM768:X25519:P-256";
constexpr const char* kClassicGroups = "X25519:P-256";
constexpr std::array<std::uint8_t, 3> kAlpnH3 = {2, 'h', '3'};

struct BioDeleter {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct X509Deleter {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
struct KeyDeleter {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
struct ContextDeleter {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using BioPtr = std::unique_ptr<BIO, BioDeleter>;
using X509Ptr = std::unique_ptr<X509, X509Deleter>;
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyDeleter>;
struct TlsDeleter {
  void operator()(SSL* tls) const noexcept { SSL_free(tls); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextDeleter>;
using TlsPtr = std::unique_ptr<SSL, TlsDeleter>;

// Takes the library's error queue with it, so that nothing stale is reported later.
Error tls_failure(std::string_view operation)
{
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_peek_error(), text.data(), text.size());
  ERR_clear_error();
  return fail(Errc::tls_failure, std::string{operation} + " (" + text.data() + ")");
}

BioPtr open_pem(std::string_view pem)
{
  return BioPtr{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
}

Result<> use_identity(SSL_CTX& context, const crypto::Identity& identity)
{
  const BioPtr chain = open_pem(identity.certificate_pem);
  const X509Ptr leaf{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)};
  if (!leaf || SSL_CTX_use_certificate(&context, leaf.get()) != 1)
    return tls_failure("use certificate");
  while (X509Ptr next{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(&context, next.get()) != 1) return tls_failure("use chain");
  }
  ERR_clear_error();  // the end of the PEM text is reported as an error

  const BioPtr key_text = open_pem(identity.private_key_pem.reveal());
  const KeyPtr key{PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr)};
  if (!key || SSL_CTX_use_PrivateKey(&context, key.get()) != 1)
    return tls_failure("use private key");
  return {};
}

// The faster AEAD first. A client's order decides, unless the server has no AES instructions; then
// that takes ChaCha20. (BoringSSL has an order of its own, by the processor's instructions.)
Result<> prefer_fastest_cipher([[maybe_unused]] SSL_CTX& context)
{
#ifdef OPENSSL_IS_AWSLC
  const char* order =
      crypto::fastest_aead() == crypto::Aead::aes_128_gcm
          ? "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
          : "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
  if (SSL_CTX_set_ciphersuites(&context, order) != 1) return tls_failure("set cipher suites");
#endif
  return {};
}

// Options that client and server share.
Result<ContextPtr> new_context()
{
  ContextPtr context{SSL_CTX_new(TLS_method())};
  if (!context) return tls_failure("make TLS context");
  if (SSL_CTX_set1_groups_list(context.get(), kGroupsWithPostQuantum) != 1) {
    ERR_clear_error();
    if (SSL_CTX_set1_groups_list(context.get(), kClassicGroups) != 1)
      return tls_failure("set key exchange groups");
  }
  if (auto preferred = prefer_fastest_cipher(*context); !preferred) return preferred.error();
  // No resumption: see docs/decisions/0015-many-sessions.md.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

std::optional<crypto::SpkiPin> pin_of(X509& certificate)
{
  std::uint8_t* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
  if (size <= 0) return std::nullopt;
  crypto::SpkiPin pin;
  SHA256(der, static_cast<std::size_t>(size), pin.sha256.data());
  OPENSSL_free(der);
  return pin;
}

int select_alpn(SSL*, const std::uint8_t** out, std::uint8_t* out_size, const std::uint8_t* in,
                unsigned in_size, void*) noexcept
{
  // RFC 9001 section 8.1: no common protocol ends the connection.
  std::uint8_t* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kAlpnH3.data(), kAlpnH3.size(), in, in_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

ssl_verify_result_t accept_for_later_lookup(SSL*, std::uint8_t*) noexcept
{
  return ssl_verify_ok;
}

}  // namespace

struct TlsContext::Impl {
  ContextPtr context;
  std::vector<crypto::SpkiPin> pins;
  std::string server_name;
  bool is_client = false;
  bool checks_name = false;

  static ssl_verify_result_t check_pin(SSL* tls, std::uint8_t* alert) noexcept
  {
    const auto* self = static_cast<const Impl*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls)));
    const auto shown = peer_pin(*tls);
    if (shown && std::ranges::find(self->pins, *shown) != self->pins.end()) return ssl_verify_ok;
    *alert = SSL_AD_BAD_CERTIFICATE;
    return ssl_verify_invalid;
  }

  Result<> set_trust(const PinnedKeys& trust)
  {
    if (trust.pins.empty()) return fail(Errc::invalid_argument, "no gateway key is pinned");
    pins = trust.pins;
    SSL_CTX_set_custom_verify(context.get(), SSL_VERIFY_PEER, &check_pin);
    return {};
  }

  Result<> set_trust(const CertificateAuthorities& trust)
  {
    // Without a name to check, anybody with any certificate would do.
    if (server_name.empty()) return fail(Errc::invalid_argument, "no server name to check");
    checks_name = true;
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    // A file says what is trusted, be it an authority or the gateway's own certificate.
    if (trust.ca_path)
      X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.get()), X509_V_FLAG_PARTIAL_CHAIN);
    const int loaded =
        trust.ca_path
            ? SSL_CTX_load_verify_locations(context.get(), trust.ca_path->c_str(), nullptr)
            : SSL_CTX_load_verify_locations(context.get(), nullptr, "/etc/ssl/certs");
    if (loaded != 1)
      return tls_failure("load certificate authorities" +
                         (trust.ca_path ? " from " + trust.ca_path->string() : std::string{}));
    return {};
  }
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl))
{
  SSL_CTX_set_app_data(impl_->context.get(), impl_.get());
}
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;
TlsContext::~TlsContext() = default;

Result<TlsContext> TlsContext::for_client(const ClientTlsOptions& options)
{
  auto context = new_context();
  if (!context) return context.error();
  auto impl = std::make_unique<Impl>();
  impl->context = std::move(*context);
  impl->server_name = options.server_name;
  impl->is_client = true;

  if (ngtcp2_crypto_boringssl_configure_client_context(impl->context.get()) != 0)
    return tls_failure("configure QUIC");
  auto trusted =
      std::visit([&](const auto& trust) { return impl->set_trust(trust); }, options.trust);
  if (!trusted) return trusted.error();
  if (options.certificate) {
    if (auto used = use_identity(*impl->context, *options.certificate); !used)
      return std::move(used.error()).within("client certificate");
  }
  return TlsContext{std::move(impl)};
}

Result<TlsContext> TlsContext::for_server(const ServerTlsOptions& options)
{
  auto context = new_context();
  if (!context) return context.error();
  auto impl = std::make_unique<Impl>();
  impl->context = std::move(*context);

  if (ngtcp2_crypto_boringssl_configure_server_context(impl->context.get()) != 0)
    return tls_failure("configure QUIC");
  SSL_CTX_set_alpn_select_cb(impl->context.get(), &select_alpn, nullptr);
  if (options.request_client_certificate)
    SSL_CTX_set_custom_verify(impl->context.get(), SSL_VERIFY_PEER, &accept_for_later_lookup);
  if (auto used = use_identity(*impl->context, options.identity); !used)
    return std::move(used.error()).within("gateway certificate");
  return TlsContext{std::move(impl)};
}

ssl_st* TlsContext::new_handshake() const
{
  TlsPtr tls{SSL_new(impl_->context.get())};
  if (!tls) return nullptr;
  if (!impl_->is_client) {
    SSL_set_accept_state(tls.get());
    return tls.release();
  }
  SSL_set_connect_state(tls.get());
  const std::string& name = impl_->server_name;
  const bool named = !name.empty() && !IpAddress::parse(name);
  bool ready = SSL_set_alpn_protos(tls.get(), kAlpnH3.data(), kAlpnH3.size()) == 0;
  if (named) ready = ready && SSL_set_tlsext_host_name(tls.get(), name.c_str()) == 1;
  if (impl_->checks_name) {
    X509_VERIFY_PARAM* parameters = SSL_get0_param(tls.get());
    ready = ready && (named ? X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size())
                            : X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str())) == 1;
  }
  return ready ? tls.release() : nullptr;
}

std::optional<crypto::SpkiPin> peer_pin(const ssl_st& tls)
{
  const X509Ptr certificate{SSL_get_peer_certificate(&tls)};
  if (!certificate) return std::nullopt;
  return pin_of(*certificate);
}

}  // namespace slopn::quic
