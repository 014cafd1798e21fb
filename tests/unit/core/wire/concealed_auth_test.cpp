#include "libtunnel/core/wire/concealed_auth.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>
#include <string>

#include "tests/support/hex.hpp"

namespace slopn::wire {
namespace {

using test::hex;

ConcealedCredentials example()
{
  ConcealedCredentials credentials;
  credentials.key_id = hex("00");
  credentials.public_key = hex("fbff");
  credentials.verification = hex("aa");
  credentials.proof = hex("bb");
  return credentials;
}

}  // namespace

TEST_CASE("concealed: is formatted as the RFC orders it", "[unit][wire]")
{
  CHECK(example().format() == "Concealed k=AA, a=-_8, s=2055, v=qg, p=uw");
}

TEST_CASE("concealed: parses what it formats", "[unit][wire]")
{
  std::mt19937_64 random{5};
  const auto some_bytes = [&] {
    ByteVector bytes(random() % 80 + 1);
    for (auto& b : bytes) b = static_cast<std::byte>(random() & 0xffU);
    return bytes;
  };
  for (int round = 0; round < 300; ++round) {
    const ConcealedCredentials credentials{
        .key_id = some_bytes(),
        .public_key = some_bytes(),
        .signature_scheme = static_cast<std::uint16_t>(random()),
        .verification = some_bytes(),
        .proof = some_bytes(),
        .realm = round % 2 == 0 ? "" : "a \"quoted\\\" realm, really",
    };
    REQUIRE(ConcealedCredentials::parse(credentials.format()) == credentials);
  }
}

TEST_CASE("concealed: parameters may come in any order, spacing and case", "[unit][wire]")
{
  const auto* text = GENERATE("concealed P=uw,V=qg,S=2055,A=-_8,K=AA",
                              "CONCEALED   k = AA ,\ta=-_8, s=2055 , v=qg,, p=uw,",
                              "Concealed x=1, k=AA, a=-_8, s=2055, other=\"a, b\\\"\", v=qg, p=uw");
  CHECK(ConcealedCredentials::parse(text) == example());
}

TEST_CASE("concealed: a realm may be a token or quoted", "[unit][wire]")
{
  const auto* text = GENERATE("Concealed k=AA, a=-_8, s=2055, v=qg, p=uw, realm=here",
                              "Concealed k=AA, a=-_8, s=2055, v=qg, p=uw, Realm=\"h\\ere\"");
  const auto parsed = ConcealedCredentials::parse(text);
  REQUIRE(parsed);
  CHECK(parsed->realm == "here");
}

TEST_CASE("concealed: anything wrong makes it no credentials at all", "[unit][wire]")
{
  const auto* text = GENERATE(
      "", "Concealed", "Concealed ", "Bearer abc", "Concealedk=AA, a=-_8, s=2055, v=qg, p=uw",
      "Concealed a=-_8, s=2055, v=qg, p=uw",                // each missing once
      "Concealed k=AA, s=2055, v=qg, p=uw",                 //
      "Concealed k=AA, a=-_8, v=qg, p=uw",                  //
      "Concealed k=AA, a=-_8, s=2055, p=uw",                //
      "Concealed k=AA, a=-_8, s=2055, v=qg",                //
      "Concealed k=AA, k=AA, a=-_8, s=2055, v=qg, p=uw",    // twice
      "Concealed k=AA, a=-_8, s=2055, s=2055, v=qg, p=uw",  //
      "Concealed k=AA, a=-_8, s=2055, v=qg, p=uw, realm=a, realm=b",
      "Concealed k=, a=-_8, s=2055, v=qg, p=uw",        // empty
      "Concealed k, a=-_8, s=2055, v=qg, p=uw",         //
      "Concealed k=\"AA\", a=-_8, s=2055, v=qg, p=uw",  // quoted
      "Concealed k=AA, a=-_8, s=\"2055\", v=qg, p=uw",  //
      "Concealed k=AA==, a=-_8, s=2055, v=qg, p=uw",    // padded
      "Concealed k=AA, a=+/8, s=2055, v=qg, p=uw",      // not base64url
      "Concealed k=A, a=-_8, s=2055, v=qg, p=uw",       // not a whole byte
      "Concealed k=AA, a=-_8, s=02055, v=qg, p=uw",     // leading zero
      "Concealed k=AA, a=-_8, s=-1, v=qg, p=uw",        //
      "Concealed k=AA, a=-_8, s=65536, v=qg, p=uw",     //
      "Concealed k=AA, a=-_8, s=99999999999999999999, v=qg, p=uw",
      "Concealed k=AA, a=-_8, s=0x807, v=qg, p=uw",             //
      "Concealed k=AA a=-_8, s=2055, v=qg, p=uw",               // no comma
      "Concealed k=AA, a=-_8, s=2055, v=qg, p=uw, x=\"open",    //
      "Concealed k=AA, a=-_8, s=2055, v=qg, p=uw, x=\"a\nb\"",  // control character
      "Concealed k=AA, a=-_8, s=2055, v=qg, p=uw; x=1",         //
      "Concealed k=AA, a=-_8, s=2055, v=qg, p=uw, =1");
  INFO(text);
  CHECK_FALSE(ConcealedCredentials::parse(text));
}

TEST_CASE("concealed: signature scheme 0 is a number without a leading zero", "[unit][wire]")
{
  const auto parsed = ConcealedCredentials::parse("Concealed k=AA, a=-_8, s=0, v=qg, p=uw");
  REQUIRE(parsed);
  CHECK(parsed->signature_scheme == 0);
}

TEST_CASE("concealed: refuses absurd lengths", "[unit][wire]")
{
  const std::string text = "Concealed k=AA, a=-_8, s=2055, v=qg, p=uw";
  CHECK_FALSE(ConcealedCredentials::parse(text + ", x=" + std::string(5000, 'a')));
  std::string many = text;
  for (int i = 0; i < 100; ++i) many += ", x=1";
  CHECK_FALSE(ConcealedCredentials::parse(many));
}

TEST_CASE("concealed: the context differs with everything it is bound to", "[unit][wire]")
{
  const ConcealedCredentials credentials = example();
  const ConcealedBinding binding = binding_for(credentials, "example.com", 443);
  const ByteVector context = exporter_context(binding);
  CHECK(context != exporter_context(binding_for(credentials, "example.org", 443)));
  CHECK(context != exporter_context(binding_for(credentials, "example.com", 444)));
  for (auto change : {+[](ConcealedCredentials& c) { c.key_id.push_back(std::byte{0}); },
                      +[](ConcealedCredentials& c) { c.public_key[0] = std::byte{0}; },
                      +[](ConcealedCredentials& c) { c.signature_scheme = 1; },
                      +[](ConcealedCredentials& c) { c.realm = "r"; }}) {
    ConcealedCredentials other = credentials;
    change(other);
    CHECK(context != exporter_context(binding_for(other, "example.com", 443)));
  }
}

TEST_CASE("concealed: a proof holds only if key, verification and signature do", "[unit][wire]")
{
  ConcealedExport output{};
  output[0] = std::byte{1};
  output[47] = std::byte{2};
  ConcealedCredentials credentials = example();
  credentials.verification.assign(verification(output).begin(), verification(output).end());

  ByteVector seen_message;
  const auto check = [&](ByteView message, ByteView signature) {
    seen_message.assign(message.begin(), message.end());
    return as_text(signature) == "\xbb";
  };
  CHECK(proof_holds(credentials, hex("fbff"), output, check));
  CHECK(seen_message == signed_content(signature_input(output)));

  CHECK_FALSE(proof_holds(credentials, hex("fbfe"), output, check));
  CHECK_FALSE(proof_holds(credentials, hex("fb"), output, check));

  ConcealedExport replayed = output;  // another connection exports something else
  replayed[40] = std::byte{9};
  CHECK_FALSE(proof_holds(credentials, hex("fbff"), replayed, check));

  credentials.proof = hex("bc");
  CHECK_FALSE(proof_holds(credentials, hex("fbff"), output, check));
}

TEST_CASE("authority: splits host and port", "[unit][wire]")
{
  CHECK(split_authority("Example.COM") == HttpAuthority{"example.com", 443});
  CHECK(split_authority("example.com:8443") == HttpAuthority{"example.com", 8443});
  CHECK(split_authority("192.0.2.1:443") == HttpAuthority{"192.0.2.1", 443});
  CHECK(split_authority("[2001:DB8::1]:4242") == HttpAuthority{"[2001:db8::1]", 4242});
  CHECK(split_authority("[2001:db8::1]", 80) == HttpAuthority{"[2001:db8::1]", 80});
}

TEST_CASE("authority: refuses what is none", "[unit][wire]")
{
  const auto* text =
      GENERATE("", ":443", "example.com:", "example.com:0", "example.com:65536", "example.com:44x",
               "example.com:+1", "me@example.com", "a b", "a/b", "[::1", "::1", "[::1]x",
               "[1.2.3.4]", "[]", "[x]:1", "a:b:1", "]", "a]:1", "example.com:443:1");
  INFO(text);
  CHECK_FALSE(split_authority(text));
}

}  // namespace slopn::wire
