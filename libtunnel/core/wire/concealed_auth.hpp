#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "libtunnel/base/bytes.hpp"

/// The Concealed HTTP authentication scheme (RFC 9729): a signature over what only the two ends
/// of this TLS connection can compute. Nothing secret is sent and nothing can be replayed.
namespace slopn::wire {

/// For the TLS exporter (RFC 8446 section 7.5); RFC 9729 section 3.
inline constexpr std::string_view kConcealedExporterLabel =
    "EXPORTER-HTTP-Concealed-Authentication";
inline constexpr std::size_t kConcealedSignatureInputBytes = 32;
inline constexpr std::size_t kConcealedVerificationBytes = 16;
inline constexpr std::size_t kConcealedExporterBytes =
    kConcealedSignatureInputBytes + kConcealedVerificationBytes;

/// TLS SignatureScheme "ed25519"; its public keys are 32 bytes (RFC 8032), signatures 64.
inline constexpr std::uint16_t kSignatureSchemeEd25519 = 0x0807;

/// What the TLS exporter returned for `exporter_context()`:
///
///     | signature input 32 | verification 16 |
using ConcealedExport = std::array<std::byte, kConcealedExporterBytes>;
[[nodiscard]] ByteView signature_input(const ConcealedExport& output) noexcept;
[[nodiscard]] ByteView verification(const ConcealedExport& output) noexcept;

/// What a proof is bound to, besides the TLS connection. The views are only read.
struct ConcealedBinding {
  std::uint16_t signature_scheme = kSignatureSchemeEd25519;
  ByteView key_id;
  ByteView public_key;
  std::string_view scheme = "https";
  std::string_view host;  ///< As in a URI: IPv6 in brackets. See `split_authority()`.
  std::uint16_t port = 443;
  std::string_view realm;  ///< Empty unless a realm is configured and sent.
};

/// The context argument of the TLS exporter; RFC 9729 section 3.1.
[[nodiscard]] ByteVector exporter_context(const ConcealedBinding& binding);

/// What the client signs: 64 spaces, "HTTP Concealed Authentication", a zero byte and
/// `signature_input`; RFC 9729 section 3.3.
[[nodiscard]] ByteVector signed_content(ByteView signature_input);

/// The value of an Authorization field with the scheme "Concealed"; RFC 9729 section 4.
struct ConcealedCredentials {
  static constexpr std::size_t kMaxHeaderBytes = 4096;

  ByteVector key_id;                                         ///< k
  ByteVector public_key;                                     ///< a
  std::uint16_t signature_scheme = kSignatureSchemeEd25519;  ///< s
  ByteVector verification;                                   ///< v
  ByteVector proof;                                          ///< p, the signature
  std::string realm;                                         ///< Not sent when empty.

  /// "Concealed k=..., a=..., s=2055, v=..., p=..."
  [[nodiscard]] std::string format() const;

  /// nullopt for another scheme, a parameter that is missing, doubled or misspelt, and for more
  /// than kMaxHeaderBytes; the request then counts as one without credentials (section 6.1).
  /// Unknown parameters are skipped.
  [[nodiscard]] static std::optional<ConcealedCredentials> parse(std::string_view authorization);

  friend bool operator==(const ConcealedCredentials&, const ConcealedCredentials&) = default;
};

/// The binding of `credentials` to a request; the views point into the arguments.
[[nodiscard]] ConcealedBinding binding_for(const ConcealedCredentials& credentials,
                                           std::string_view host, std::uint16_t port) noexcept;

/// Checks a signature: `signature` over `message` by the key that belongs to the key id.
using SignatureCheck = std::function<bool(ByteView message, ByteView signature)>;

/// The checks of RFC 9729 section 6.3 that follow the look-up of the key id: `known_key` is the
/// one sent, the verification is ours, and the signature holds. `output` is what our own end of
/// the TLS connection exports for these credentials.
[[nodiscard]] bool proof_holds(const ConcealedCredentials& credentials, ByteView known_key,
                               const ConcealedExport& output, const SignatureCheck& check);

struct HttpAuthority {
  std::string host;  ///< Lower case; IPv6 keeps its brackets.
  std::uint16_t port = 443;

  friend bool operator==(const HttpAuthority&, const HttpAuthority&) = default;
};

/// Splits ":authority" into host and port. nullopt if it is empty, has user information, a bad
/// port or brackets that do not match.
[[nodiscard]] std::optional<HttpAuthority> split_authority(std::string_view authority,
                                                           std::uint16_t default_port = 443);

}  // namespace slopn::wire
