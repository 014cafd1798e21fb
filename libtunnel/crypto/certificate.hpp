#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/result.hpp"
#include "libtunnel/base/secret.hpp"

namespace slopn::crypto {

/// SHA-256 of a certificate's SubjectPublicKeyInfo in DER: what a profile pins (RFC 7469 s. 2.4).
struct SpkiPin {
  std::array<std::uint8_t, 32> sha256{};

  /// "sha256:" and base64url, or base64 alone.
  [[nodiscard]] static std::optional<SpkiPin> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;  ///< "sha256:" and 43 characters.
  friend auto operator<=>(const SpkiPin&, const SpkiPin&) noexcept = default;
};

/// A certificate chain and its private key, both PEM.
struct Identity {
  std::string certificate_pem;
  Secret<std::string> private_key_pem;
};

/// Reads both files and checks that they belong together.
[[nodiscard]] Result<Identity> load_identity(const std::filesystem::path& certificate_path,
                                             const std::filesystem::path& private_key_path);

/// Makes a self-signed ECDSA P-256 certificate for `name`, valid for ten years. It is meant to be
/// pinned, so its dates are no protection.
[[nodiscard]] Result<Identity> make_self_signed_identity(std::string_view name);

/// Loads the identity kept in `dir` (gateway.crt, gateway.key), making it on the first call.
/// The key file is 0600 and written whole or not at all.
[[nodiscard]] Result<Identity> load_or_make_identity(const std::filesystem::path& dir,
                                                     std::string_view name);

/// The pin of the first certificate in `certificate_pem`.
[[nodiscard]] Result<SpkiPin> spki_pin(std::string_view certificate_pem);

/// The same for a certificate in DER, as TLS carries it.
[[nodiscard]] Result<SpkiPin> spki_pin_of_der(ByteView certificate_der);

}  // namespace slopn::crypto
