#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>

#include "libtunnel/crypto/keys.hpp"
#include "tests/support/catch_result.hpp"
#include "tests/support/hex.hpp"

namespace slopn::crypto {
namespace {

KeyPair key_from(std::string_view seed_hex)
{
  const ByteVector bytes = test::hex(seed_hex);
  KeyPair::Seed seed{};
  std::ranges::transform(bytes, seed.begin(),
                         [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  return KeyPair::from_seed(Secret<KeyPair::Seed>{seed});
}

ByteView bytes_of(const KeyPair::Signature& signature)
{
  return view(signature.data(), signature.size());
}

}  // namespace

TEST_CASE("ed25519: the test vectors of RFC 8032 section 7.1", "[conformance][crypto]")
{
  struct Vector {
    const char* seed;
    const char* public_key;
    const char* message;
    const char* signature;
  };
  const auto vector =
      GENERATE(Vector{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                      "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
               Vector{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"});
  const KeyPair pair = key_from(vector.seed);
  const ByteVector message = test::hex(vector.message);

  CHECK(to_hex(pair.public_key().bytes()) == vector.public_key);
  CHECK(to_hex(bytes_of(pair.sign(message))) == vector.signature);
  CHECK(pair.public_key().verify(message, test::hex(vector.signature)));
}

TEST_CASE("ed25519: the private key of RFC 8410 section 10.3", "[conformance][crypto]")
{
  const auto pair = KeyPair::from_pem(
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
      "-----END PRIVATE KEY-----\n");
  REQUIRE(pair);
  CHECK(pair->public_key().to_string() == "ed25519:Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE");
  CHECK(pair->to_pem().reveal() ==
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
        "-----END PRIVATE KEY-----\n");
}

}  // namespace slopn::crypto
