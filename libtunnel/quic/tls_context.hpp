#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "libtunnel/base/result.hpp"
#include "libtunnel/crypto/certificate.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace slopn::quic {

/// Trust exactly the certificates with one of these keys; dates and names mean nothing then.
struct PinnedKeys {
  std::vector<crypto::SpkiPin> pins;
};
/// Trust what these authorities vouch for, under the server's name.
struct CertificateAuthorities {
  /// PEM bundle of authorities, or of the gateway's own certificate; absent: the system's.
  std::optional<std::filesystem::path> ca_path;
};
using ServerTrust = std::variant<PinnedKeys, CertificateAuthorities>;

struct ClientTlsOptions {
  ServerTrust trust;
  /// Sent as SNI unless it is an address; with authorities also checked, so it must not be empty.
  std::string server_name;
  std::optional<crypto::Identity> certificate;  ///< Shown when the gateway asks for one.
};

struct ServerTlsOptions {
  crypto::Identity identity;
  /// Ask visitors for a certificate. Any is accepted here; who it is decides the access list.
  bool request_client_certificate = false;
};

/// TLS 1.3 for HTTP/3 over QUIC: one per profile or gateway, shared by its connections.
/// Offers X25519MLKEM768 first where the library knows it.
class TlsContext {
 public:
  [[nodiscard]] static Result<TlsContext> for_client(const ClientTlsOptions& options);
  [[nodiscard]] static Result<TlsContext> for_server(const ServerTlsOptions& options);

  TlsContext(TlsContext&&) noexcept;
  TlsContext& operator=(TlsContext&&) noexcept;
  ~TlsContext();

  /// A fresh handshake, or nullptr. The caller frees it with SSL_free.
  [[nodiscard]] ssl_st* new_handshake() const;

 private:
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// The pin of the certificate the peer has shown; nullopt when it has shown none.
[[nodiscard]] std::optional<crypto::SpkiPin> peer_pin(const ssl_st& tls);

}  // namespace slopn::quic
