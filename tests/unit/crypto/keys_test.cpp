#include "libtunnel/crypto/keys.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <fstream>

#include "libtunnel/crypto/certificate.hpp"
#include "tests/support/catch_result.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/temporary_dir.hpp"

namespace slopn::crypto {
namespace {

ByteView bytes_of(const KeyPair::Signature& signature)
{
  return view(signature.data(), signature.size());
}

}  // namespace

TEST_CASE("keys: a public key's text goes both ways", "[unit][crypto]")
{
  const PublicKey key = KeyPair::generate().public_key();
  const std::string text = key.to_string();
  CHECK(text.starts_with("ed25519:"));
  CHECK(text.size() == 8 + 43);
  CHECK(PublicKey::parse(text) == key);
  CHECK(PublicKey::parse(text.substr(8)) == key);
  CHECK(PublicKey::from_bytes(key.bytes()) == key);
}

TEST_CASE("keys: refuses what is no public key", "[unit][crypto]")
{
  const std::string text = KeyPair::generate().public_key().to_string();
  CHECK_FALSE(PublicKey::parse(""));
  CHECK_FALSE(PublicKey::parse("ed25519:"));
  CHECK_FALSE(PublicKey::parse(text + "A"));
  CHECK_FALSE(PublicKey::parse(text.substr(0, text.size() - 2)));
  CHECK_FALSE(PublicKey::parse("sha256:" + text.substr(8)));
  CHECK_FALSE(PublicKey::parse(" " + text));
  CHECK_FALSE(PublicKey::from_bytes(ByteVector(31)));
  CHECK_FALSE(PublicKey::from_bytes(ByteVector(33)));
}

TEST_CASE("keys: a signature is checked", "[unit][crypto]")
{
  const KeyPair pair = KeyPair::generate();
  const ByteVector message = test::hex("010203");
  auto signature = pair.sign(message);
  CHECK(pair.public_key().verify(message, bytes_of(signature)));
  CHECK_FALSE(pair.public_key().verify(test::hex("010204"), bytes_of(signature)));
  CHECK_FALSE(KeyPair::generate().public_key().verify(message, bytes_of(signature)));
  CHECK_FALSE(pair.public_key().verify(message, bytes_of(signature).first(63)));
  CHECK_FALSE(pair.public_key().verify(message, {}));
  signature[10] ^= 1;
  CHECK_FALSE(pair.public_key().verify(message, bytes_of(signature)));
  CHECK_FALSE(PublicKey{}.verify(message, bytes_of(signature)));
}

TEST_CASE("keys: no two are the same", "[unit][crypto]")
{
  CHECK(KeyPair::generate().public_key() != KeyPair::generate().public_key());
}

TEST_CASE("keys: a pair survives PEM, seed, copy and move", "[unit][crypto]")
{
  const KeyPair pair = KeyPair::generate();
  const auto from_pem = KeyPair::from_pem(pair.to_pem().reveal());
  REQUIRE(from_pem);
  CHECK(from_pem->public_key() == pair.public_key());
  CHECK(KeyPair::from_seed(pair.seed()).public_key() == pair.public_key());

  KeyPair copy = pair;
  const KeyPair moved = std::move(copy);
  const ByteVector message = test::hex("00");
  CHECK(moved.sign(message) == pair.sign(message));
}

TEST_CASE("keys: refuses PEM that holds no Ed25519 private key", "[unit][crypto]")
{
  const std::string good = KeyPair::generate().to_pem().reveal();
  const std::string p256 = make_self_signed_identity("a.example")->private_key_pem.reveal();
  const std::string encrypted =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  for (const std::string& pem :
       {std::string{}, std::string{"no PEM"}, good.substr(0, good.size() / 2), p256, encrypted,
        std::string{"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"},
        std::string(1'000'000, 'A')}) {
    const auto pair = KeyPair::from_pem(pem);
    REQUIRE_FALSE(pair);
    CHECK(pair.error().code == make_error_code(Errc::invalid_argument));
  }
}

TEST_CASE("keys: are loaded from a file", "[unit][crypto]")
{
  const test::TemporaryDir dir;
  const KeyPair pair = KeyPair::generate();
  std::ofstream{dir.path() / "client.key"} << pair.to_pem().reveal();
  const auto loaded = KeyPair::load(dir.path() / "client.key");
  REQUIRE(loaded);
  CHECK(loaded->public_key() == pair.public_key());

  const auto missing = KeyPair::load(dir.path() / "missing.key");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == boost::system::errc::no_such_file_or_directory);

  std::ofstream{dir.path() / "truncated.key"} << pair.to_pem().reveal().substr(0, 60);
  const auto truncated = KeyPair::load(dir.path() / "truncated.key");
  REQUIRE_FALSE(truncated);
  CHECK(truncated.error().context.find("truncated.key") != std::string::npos);
}

}  // namespace slopn::crypto
