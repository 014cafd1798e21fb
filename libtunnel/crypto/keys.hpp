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

/// An Ed25519 public key (RFC 8032); the name by which a gateway knows a client.
class PublicKey {
 public:
  static constexpr std::size_t kBytes = 32;
  using Raw = std::array<std::uint8_t, kBytes>;

  PublicKey() = default;
  explicit PublicKey(const Raw& raw) noexcept : raw_(raw) {}

  /// "ed25519:" and base64url, or base64 alone.
  [[nodiscard]] static std::optional<PublicKey> parse(std::string_view text);
  [[nodiscard]] static std::optional<PublicKey> from_bytes(ByteView bytes) noexcept;
  [[nodiscard]] std::string to_string() const;  ///< "ed25519:" and 43 characters.
  [[nodiscard]] ByteView bytes() const noexcept;

  /// Whether `signature` (64 bytes) is this key's over `message`.
  [[nodiscard]] bool verify(ByteView message, ByteView signature) const noexcept;

  friend auto operator<=>(const PublicKey&, const PublicKey&) noexcept = default;

 private:
  Raw raw_{};
};

/// An Ed25519 key pair. The private half is wiped when the object goes.
class KeyPair {
 public:
  static constexpr std::size_t kSeedBytes = 32;
  static constexpr std::size_t kSignatureBytes = 64;
  using Seed = std::array<std::uint8_t, kSeedBytes>;
  using Signature = std::array<std::uint8_t, kSignatureBytes>;

  [[nodiscard]] static KeyPair generate();
  [[nodiscard]] static KeyPair from_seed(const Secret<Seed>& seed);
  /// PKCS#8 PEM (RFC 8410), as `slopnctl keygen` and OpenSSL write it.
  [[nodiscard]] static Result<KeyPair> from_pem(std::string_view pem);
  [[nodiscard]] static Result<KeyPair> load(const std::filesystem::path& pem_path);

  KeyPair(const KeyPair&);
  KeyPair& operator=(const KeyPair&);
  KeyPair(KeyPair&&) noexcept;
  KeyPair& operator=(KeyPair&&) noexcept;
  ~KeyPair();

  [[nodiscard]] const PublicKey& public_key() const noexcept { return public_key_; }
  [[nodiscard]] Secret<Seed> seed() const;
  [[nodiscard]] Secret<std::string> to_pem() const;
  [[nodiscard]] Signature sign(ByteView message) const;

 private:
  KeyPair() = default;
  std::array<std::uint8_t, 64> private_key_{};
  PublicKey public_key_;
};

}  // namespace slopn::crypto
