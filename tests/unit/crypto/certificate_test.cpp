#include "libtunnel/crypto/certificate.hpp"

#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <fstream>
#include <iterator>

#include "tests/support/catch_result.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/temporary_dir.hpp"

namespace slopn::crypto {
namespace {

// Made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256`; its pin is what
// `openssl x509 -pubkey -noout | openssl pkey -pubin -outform DER | openssl sha256` says.
constexpr std::string_view kCertificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjDCCATGgAwIBAgIUWtdkTljNILx11bAS80X5FDIqcY8wCgYIKoZIzj0EAwIw\n"
    "GjEYMBYGA1UEAwwPZ2F0ZXdheS5leGFtcGxlMCAXDTI2MTEyMTEyMjkzMVoYDzIx\n"
    "MjYxMDI4MTIyOTMxWjAaMRgwFgYDVQQDDA9nYXRld2F5LmV4YW1wbGUwWTATBgcq\n"
    "hkjOPQIBBggqhkjOPQMBBwNCAATtNT6WZKrLH7Uh8HwR2Be7tkjNumaguo9VgDIo\n"
    "ffJuYfF1orBdoCkIaraimMpPFd7yr+immv7IxwtIcE5zRKB0o1MwUTAdBgNVHQ4E\n"
    "FgQUD8ltdxIq7wY7RkYXIgA6tGSsXzswHwYDVR0jBBgwFoAUD8ltdxIq7wY7RkYX\n"
    "IgA6tGSsXzswDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAsFmK\n"
    "TtzVnJlTHXkGKpGwPA/RDAGw0/abPMvj/AVD6OECIQCXec2EbdayDEU9SHr0Y/LK\n"
    "4kj1wV1/EiAcHtLVcFA88A==\n"
    "-----END CERTIFICATE-----\n";
constexpr std::string_view kPinHex =
    "f76e8570bbd549b666fcd4bf7aa0cde35796824eddc2ca0fe1025d024293b594";

void put(const std::filesystem::path& path, std::string_view text)
{
  std::ofstream{path} << text;
}

std::string content(const std::filesystem::path& path)
{
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

unsigned mode_of(const std::filesystem::path& path)
{
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

std::string pin_text(const Identity& identity)
{
  return spki_pin(identity.certificate_pem)->to_string();
}

}  // namespace

TEST_CASE("certificate: the pin is the one OpenSSL computes", "[unit][crypto]")
{
  const auto pin = spki_pin(kCertificate);
  REQUIRE(pin);
  CHECK(to_hex(view(pin->sha256.data(), pin->sha256.size())) == kPinHex);
}

TEST_CASE("certificate: the pin of DER is the pin of PEM", "[unit][crypto]")
{
  std::string_view body = kCertificate;
  body.remove_prefix(body.find('\n'));
  body = body.substr(0, body.find("-----END"));
  std::string base64;
  for (const char c : body) {
    if (c != '\n') base64 += c;
  }
  auto der = *from_base64(base64);
  const auto pin = spki_pin_of_der(der);
  REQUIRE(pin);
  CHECK(*pin == *spki_pin(kCertificate));

  der.push_back(std::byte{0});
  CHECK_FALSE(spki_pin_of_der(der));
  der.resize(der.size() / 2);
  CHECK_FALSE(spki_pin_of_der(der));
  CHECK_FALSE(spki_pin_of_der({}));
}

TEST_CASE("certificate: a pin's text goes both ways", "[unit][crypto]")
{
  const SpkiPin pin = *spki_pin(kCertificate);
  const std::string text = pin.to_string();
  CHECK(text.starts_with("sha256:"));
  CHECK(text.size() == 7 + 43);
  CHECK(SpkiPin::parse(text) == pin);
  CHECK(SpkiPin::parse(text.substr(7)) == pin);
  CHECK_FALSE(SpkiPin::parse("ed25519:" + text.substr(7)));
  CHECK_FALSE(SpkiPin::parse(text + "A"));
  CHECK_FALSE(SpkiPin::parse(""));
}

TEST_CASE("certificate: refuses what is none", "[unit][crypto]")
{
  const auto* text =
      GENERATE("", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const auto pin = spki_pin(text);
  REQUIRE_FALSE(pin);
  CHECK(pin.error().code == make_error_code(Errc::invalid_argument));
}

TEST_CASE("certificate: makes one for a host name or an address", "[unit][crypto]")
{
  const auto* name =
      GENERATE("gateway.example", "192.0.2.1", "2001:db8::1", "localhost",
               "a-very-long-name.with-many-labels.that-does-not-fit.into-a-common-name"
               ".example");
  const auto identity = make_self_signed_identity(name);
  REQUIRE(identity);
  CHECK(identity->certificate_pem.starts_with("-----BEGIN CERTIFICATE-----"));
  CHECK(identity->private_key_pem.reveal().starts_with("-----BEGIN PRIVATE KEY-----"));
  CHECK(spki_pin(identity->certificate_pem));
}

TEST_CASE("certificate: makes none for a name that is no host", "[unit][crypto]")
{
  const auto name = GENERATE(std::string{}, std::string{"a,DNS:b"}, std::string{"a b"},
                             std::string{"a\n"}, std::string(300, 'a'), std::string{"*"});
  const auto identity = make_self_signed_identity(name);
  REQUIRE_FALSE(identity);
  CHECK(identity.error().code == make_error_code(Errc::invalid_argument));
}

TEST_CASE("identity: is made on the first start and kept", "[unit][crypto]")
{
  const test::TemporaryDir dir;
  const auto state_dir = dir.path() / "state" / "slopn";
  const auto first = load_or_make_identity(state_dir, "gateway.example");
  REQUIRE(first);
  CHECK(mode_of(state_dir / "gateway.key") == 0600);
  CHECK(mode_of(state_dir / "gateway.crt") == 0644);
  CHECK(content(state_dir / "gateway.crt") == first->certificate_pem);

  const auto second = load_or_make_identity(state_dir, "another.example");
  REQUIRE(second);
  CHECK(second->certificate_pem == first->certificate_pem);
  CHECK(second->private_key_pem == first->private_key_pem);
}

TEST_CASE("identity: a key without its certificate keeps its pin", "[unit][crypto]")
{
  const test::TemporaryDir dir;
  const auto first = load_or_make_identity(dir.path(), "gateway.example");
  REQUIRE(first);
  std::filesystem::remove(dir.path() / "gateway.crt");
  const auto second = load_or_make_identity(dir.path(), "gateway.example");
  REQUIRE(second);
  CHECK(pin_text(*second) == pin_text(*first));
}

TEST_CASE("identity: damaged files are not replaced behind anyone's back", "[unit][crypto]")
{
  const test::TemporaryDir dir;
  const auto made = load_or_make_identity(dir.path(), "gateway.example");
  REQUIRE(made);
  const auto* damaged = GENERATE("gateway.key", "gateway.crt");
  put(dir.path() / damaged, "-----BEGIN");
  const auto loaded = load_or_make_identity(dir.path(), "gateway.example");
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code == make_error_code(Errc::data_corrupt));
  CHECK(loaded.error().context.find("gateway.") != std::string::npos);
  CHECK(content(dir.path() / damaged) == "-----BEGIN");
}

TEST_CASE("identity: a lost key is an error, not a new pin", "[unit][crypto]")
{
  const test::TemporaryDir dir;
  REQUIRE(load_or_make_identity(dir.path(), "gateway.example"));
  std::filesystem::remove(dir.path() / "gateway.key");
  const auto loaded = load_or_make_identity(dir.path(), "gateway.example");
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code == boost::system::errc::no_such_file_or_directory);
}

TEST_CASE("identity: a certificate with another's key is refused", "[unit][crypto]")
{
  const test::TemporaryDir dir;
  const auto one = make_self_signed_identity("one.example");
  const auto other = make_self_signed_identity("other.example");
  REQUIRE(one);
  REQUIRE(other);
  put(dir.path() / "crt", one->certificate_pem);
  put(dir.path() / "key", other->private_key_pem.reveal());
  const auto mixed = load_identity(dir.path() / "crt", dir.path() / "key");
  REQUIRE_FALSE(mixed);
  CHECK(mixed.error().code == make_error_code(Errc::invalid_argument));

  put(dir.path() / "key", one->private_key_pem.reveal());
  CHECK(load_identity(dir.path() / "crt", dir.path() / "key"));
}

}  // namespace slopn::crypto
