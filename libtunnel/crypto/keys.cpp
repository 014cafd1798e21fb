#include "libtunnel/crypto/keys.hpp"

#include <openssl/curve25519.h>
#include <openssl/err.h>
#include <openssl/mem.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "libtunnel/base/file.hpp"
#include "libtunnel/crypto/openssl.hpp"

namespace slopn::crypto {
namespace {

constexpr std::string_view kPrefix = "ed25519:";

Error bad_key(std::string_view why)
{
  ERR_clear_error();
  return fail(Errc::invalid_argument, why);
}

}  // namespace

std::optional<PublicKey> PublicKey::parse(std::string_view text)
{
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  const auto bytes = from_base64(text);
  return bytes ? from_bytes(*bytes) : std::nullopt;
}

std::optional<PublicKey> PublicKey::from_bytes(ByteView bytes) noexcept
{
  if (bytes.size() != kBytes) return std::nullopt;
  PublicKey key;
  std::memcpy(key.raw_.data(), bytes.data(), bytes.size());
  return key;
}

std::string PublicKey::to_string() const
{
  return std::string{kPrefix} + to_base64url(bytes());
}

ByteView PublicKey::bytes() const noexcept
{
  return view(raw_.data(), raw_.size());
}

bool PublicKey::verify(ByteView message, ByteView signature) const noexcept
{
  if (signature.size() != KeyPair::kSignatureBytes) return false;
  const bool holds =
      ED25519_verify(u8(message.data()), message.size(), u8(signature.data()), raw_.data()) == 1;
  ERR_clear_error();
  return holds;
}

KeyPair KeyPair::generate()
{
  KeyPair pair;
  PublicKey::Raw raw{};
  ED25519_keypair(raw.data(), pair.private_key_.data());
  pair.public_key_ = PublicKey{raw};
  return pair;
}

KeyPair KeyPair::from_seed(const Secret<Seed>& seed)
{
  KeyPair pair;
  PublicKey::Raw raw{};
  ED25519_keypair_from_seed(raw.data(), pair.private_key_.data(), seed.reveal().data());
  pair.public_key_ = PublicKey{raw};
  return pair;
}

Result<KeyPair> KeyPair::from_pem(std::string_view pem)
{
  if (pem.size() > detail::kMaxPemBytes) return bad_key("private key: too long");
  const auto key = detail::read_private_key(pem);
  if (!key) return bad_key("private key: no unencrypted PEM private key");
  if (EVP_PKEY_id(key.get()) != EVP_PKEY_ED25519) return bad_key("private key: not Ed25519");

  Seed seed{};
  std::size_t size = seed.size();
  if (EVP_PKEY_get_raw_private_key(key.get(), seed.data(), &size) != 1 || size != seed.size())
    return bad_key("private key: not Ed25519");
  KeyPair pair = from_seed(Secret<Seed>{seed});
  OPENSSL_cleanse(seed.data(), seed.size());
  return pair;
}

Result<KeyPair> KeyPair::load(const std::filesystem::path& pem_path)
{
  auto pem = read_file(pem_path, {.max_bytes = detail::kMaxPemBytes});
  if (!pem) return pem.error();
  auto pair = from_pem(*pem);
  OPENSSL_cleanse(pem->data(), pem->size());
  if (!pair) return Error{pair.error()}.within(pem_path.string());
  return pair;
}

KeyPair::KeyPair(const KeyPair&) = default;
KeyPair& KeyPair::operator=(const KeyPair&) = default;
KeyPair::KeyPair(KeyPair&& other) noexcept
    : private_key_(other.private_key_), public_key_(other.public_key_)
{
  OPENSSL_cleanse(other.private_key_.data(), other.private_key_.size());
}
KeyPair& KeyPair::operator=(KeyPair&& other) noexcept
{
  if (this == &other) return *this;
  private_key_ = other.private_key_;
  public_key_ = other.public_key_;
  OPENSSL_cleanse(other.private_key_.data(), other.private_key_.size());
  return *this;
}
KeyPair::~KeyPair()
{
  OPENSSL_cleanse(private_key_.data(), private_key_.size());
}

Secret<KeyPair::Seed> KeyPair::seed() const
{
  Seed seed{};
  std::copy_n(private_key_.begin(), seed.size(), seed.begin());  // RFC 8032: seed, then public key
  return Secret<Seed>{seed};
}

Secret<std::string> KeyPair::to_pem() const
{
  const bssl::UniquePtr<EVP_PKEY> key{
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, private_key_.data(), kSeedBytes)};
  assert(key);
  return Secret<std::string>{detail::private_key_pem(key.get())};
}

KeyPair::Signature KeyPair::sign(ByteView message) const
{
  Signature signature{};
  [[maybe_unused]] const int signed_it =
      ED25519_sign(signature.data(), u8(message.data()), message.size(), private_key_.data());
  assert(signed_it == 1);
  return signature;
}

}  // namespace slopn::crypto
