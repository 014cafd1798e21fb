#include <catch2/catch_test_macros.hpp>
#include <string>

#include "libtunnel/core/wire/concealed_auth.hpp"
#include "tests/support/hex.hpp"

namespace slopn::wire {
namespace {

using test::hex;

// RFC 9729 section 5, unfolded.
const std::string kExample =
    "Concealed k=YmFzZW1lbnQ, a=VGhpcyBpcyBh-HB1YmxpYyBrZXkgaW4gdXNl_GhlcmU, s=2055, "
    "v=dmVyaWZpY2F0aW9u_zE2Qg, "
    "p=SW5zZXJ0_HNpZ25hdHVyZSBvZiBub25jZSBoZXJlIHdoaWNoIHRha2VzIDUxMiBiaXRz-GZvciBFZDI1NTE5IQ";

}  // namespace

TEST_CASE("concealed: the header field of RFC 9729 section 5", "[conformance][wire]")
{
  const auto credentials = ConcealedCredentials::parse(kExample);
  REQUIRE(credentials);
  CHECK(as_text(credentials->key_id) == "basement");
  CHECK(as_text(credentials->public_key) == "This is a\xf8public key in use\xfchere");
  CHECK(credentials->signature_scheme == 0x0807);
  CHECK(as_text(credentials->verification) ==
        "verification\xff"
        "16B");
  CHECK(as_text(credentials->proof) ==
        "Insert\xfcsignature of nonce here which takes 512 bits\xf8"
        "for Ed25519!");
  CHECK(credentials->realm.empty());
  CHECK(credentials->format() == kExample);
}

TEST_CASE("concealed: the signed content of RFC 9729 section 3.3", "[conformance][wire]")
{
  const ByteVector input(32, std::byte{1});
  CHECK(signed_content(input) ==
        hex("2020202020202020202020202020202020202020202020202020202020202020"
            "2020202020202020202020202020202020202020202020202020202020202020"
            "48545450 20 436f6e6365616c6564 20 41757468656e7469636174696f6e"
            "00"
            "0101010101010101010101010101010101010101010101010101010101010101"));
}

TEST_CASE("concealed: the exporter context of RFC 9729 section 3.1", "[conformance][wire]")
{
  // scheme 0807; "basement"; two bytes of key; "https"; "example.com"; 8443; "r"
  const ByteVector public_key = hex("aabb");
  ConcealedBinding binding;
  binding.key_id = as_bytes("basement");
  binding.public_key = public_key;
  binding.host = "example.com";
  binding.port = 8443;
  binding.realm = "r";
  CHECK(exporter_context(binding) == hex("0807"
                                         "08 626173656d656e74"
                                         "02 aabb"
                                         "05 6874747073"
                                         "0b 6578616d706c652e636f6d"
                                         "20fb"
                                         "01 72"));
  binding.realm = "";
  CHECK(exporter_context(binding).back() == std::byte{0});
}

TEST_CASE("concealed: the exporter output is 32 bytes to sign and 16 to send",
          "[conformance][wire]")
{
  CHECK(kConcealedExporterLabel == "EXPORTER-HTTP-Concealed-Authentication");
  CHECK(kConcealedExporterBytes == 48);
  ConcealedExport output{};
  for (std::size_t i = 0; i < output.size(); ++i) output[i] = static_cast<std::byte>(i);
  CHECK(to_hex(signature_input(output)) ==
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  CHECK(to_hex(verification(output)) == "202122232425262728292a2b2c2d2e2f");
}

}  // namespace slopn::wire
