#include "daemon/config/profile.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "temp_dir.hpp"
#include "tests/support/catch_result.hpp"

using namespace slopn;
using namespace slopn::config;
using Catch::Matchers::ContainsSubstring;
using test::TempDir;

namespace {

const std::string kPin = "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
// RFC 8032 section 7.1, test 1.
const std::string kSeed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const std::string kPublicKey = "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

const std::string kGateway = "gateway = \"vpn.example.org\"\n";
const std::string kPins = "pins = [\"" + kPin + "\"]\n";
const std::string kKey = "[auth]\nkey = \"" + kSeed + "\"\n";

Profile good(const std::string& toml)
{
  auto profile = parse_profile(toml, "home.toml", FileReferences::allowed);
  REQUIRE(profile);
  return *profile;
}

std::string complaints(const std::string& toml, FileReferences files = FileReferences::allowed)
{
  const auto profile = parse_profile(toml, "home.toml", files);
  REQUIRE_FALSE(profile);
  CHECK(profile.error().code == Errc::invalid_argument);
  return profile.error().context;
}

}  // namespace

TEST_CASE("profile: gateway, pin and key are enough", "[unit][config]")
{
  const auto profile = good(kGateway + kPins + kKey);
  CHECK(profile.name == "vpn.example.org");
  CHECK(profile.gateways == std::vector{HostPort{"vpn.example.org", 443}});
  CHECK(std::get<PinnedKeys>(profile.trust).pins.size() == 1);
  CHECK(profile.address_request == AddressRequest::automatic);
  CHECK(request_path(profile) == "/.well-known/masque/ip/*/*/");
  const auto key = load_key(std::get<ConcealedAuth>(profile.auth));
  REQUIRE(key);
  CHECK(key->public_key().to_string() == kPublicKey);
}

TEST_CASE("profile: reads every key", "[unit][config]")
{
  const auto profile = good(R"(
name = "home"
gateway = "[2001:db8::1]:4242"
server_name = "vpn.example.org"
ca = "/etc/ssl/ca.pem"
[auth]
method = "bearer"
token_file = "/etc/slopn/token"
[tunnel]
routes = ["10.0.0.0/8"]
address_request = "off"
path = "/vpn/{target}/x"
max_mtu_bytes = 1300
keep_alive_s = 0
)");
  CHECK(profile.name == "home");
  CHECK(profile.gateways == std::vector{HostPort{"2001:db8::1", 4242}});
  CHECK(profile.server_name == "vpn.example.org");
  CHECK(std::get<CertificateAuthority>(profile.trust).ca_file == "/etc/ssl/ca.pem");
  CHECK(std::get<BearerAuth>(profile.auth).token_file == "/etc/slopn/token");
  CHECK(profile.routes.size() == 1);
  CHECK(profile.address_request == AddressRequest::off);
  CHECK(request_path(profile) == "/vpn/*/x");
  CHECK(profile.max_mtu_bytes == 1300);
  CHECK(profile.keep_alive == std::chrono::seconds{0});
}

TEST_CASE("profile: without pin and without CA it is refused", "[unit][config]")
{
  CHECK_THAT(complaints(kGateway + kKey), ContainsSubstring("pins: a profile needs pins, or ca"));
  CHECK_THAT(complaints(kGateway + "pins = []\n" + kKey), ContainsSubstring("needs pins"));
  CHECK_THAT(complaints(kGateway + "ca = \"\"\n" + kKey), ContainsSubstring("needs pins"));
  CHECK_THAT(complaints(kGateway + "ca = \"any\"\n" + kKey), ContainsSubstring("ca: expected"));
}

TEST_CASE("profile: pins and CA exclude each other", "[unit][config]")
{
  CHECK_THAT(complaints(kGateway + kPins + "ca = \"system\"\n" + kKey),
             ContainsSubstring("home.toml:3:6: ca: pins and ca exclude each other"));
}

TEST_CASE("profile: no authentication has to be said", "[unit][config]")
{
  CHECK_THAT(complaints(kGateway + kPins), ContainsSubstring("auth.method: missing"));
  const auto profile = good(kGateway + kPins + "auth.method = \"none\"\n");
  CHECK(method_name(profile.auth) == "none");
}

TEST_CASE("profile: keys of another method are refused", "[unit][config]")
{
  CHECK_THAT(complaints(kGateway + kPins + "[auth]\nmethod = \"none\"\nkey = \"" + kSeed + "\"\n"),
             ContainsSubstring("home.toml:5:7: auth.key: does not go with this auth.method"));
  CHECK_THAT(complaints(kGateway + kPins + kKey + "key_file = \"/x\"\n"),
             ContainsSubstring("either auth.key or auth.key_file"));
  CHECK_THAT(complaints(kGateway + kPins + "auth.method = \"bearer\"\n"),
             ContainsSubstring("auth.token_file: missing"));
  CHECK_THAT(complaints(kGateway + kPins + "auth.method = \"concealed\"\n"),
             ContainsSubstring("concealed needs"));
  CHECK_THAT(complaints(kGateway + kPins +
                        "[auth]\nmethod = \"certificate\"\n"
                        "certificate_file = \"/x\"\n"),
             ContainsSubstring("certificate needs"));
}

TEST_CASE("profile: a gateway is needed", "[unit][config]")
{
  CHECK_THAT(complaints(kPins + kKey), ContainsSubstring("gateway: missing"));
  CHECK_THAT(complaints("gateway = \"https://x\"\n" + kPins + kKey),
             ContainsSubstring("gateway: expected host[:port]"));
}

TEST_CASE("profile: several gateways keep their order", "[unit][config]")
{
  const std::string many =
      "gateways = [\"b.example.org\", \"[2001:db8::1]:4242\", \"192.0.2.1\"]\n";
  const auto profile = good(many + kPins + kKey);
  CHECK(profile.gateways == std::vector{HostPort{"b.example.org", 443},
                                        HostPort{"2001:db8::1", 4242}, HostPort{"192.0.2.1", 443}});
  CHECK(profile.name == "b.example.org");
  const auto again = parse_profile(format_profile(profile).reveal(), "x", FileReferences::refused);
  REQUIRE(again);
  CHECK(again->gateways == profile.gateways);
  CHECK_FALSE(format_uri(profile));
}

TEST_CASE("profile: one gateway or several, not both and not very many", "[unit][config]")
{
  CHECK(good("gateways = [\"192.0.2.1\"]\n" + kPins + kKey).gateways.size() == 1);
  CHECK_THAT(complaints(kGateway + "gateways = [\"192.0.2.1\"]\n" + kPins + kKey),
             ContainsSubstring("gateway and gateways exclude each other"));
  CHECK_THAT(complaints("gateways = []\n" + kPins + kKey), ContainsSubstring("gateway: missing"));
  CHECK_THAT(complaints("gateways = [\"a\", \"b\", \"https://x\"]\n" + kPins + kKey),
             ContainsSubstring("gateways: expected"));
  std::string nine = "gateways = [";
  for (int i = 1; i <= 9; ++i) nine += "\"192.0.2." + std::to_string(i) + "\",";
  CHECK_THAT(complaints(nine + "]\n" + kPins + kKey), ContainsSubstring("gateways: expected"));
}

TEST_CASE("profile: an unknown key is told with its place and the nearest name", "[unit][config]")
{
  CHECK(complaints(kGateway + kPins + "[auth]\nkee = \"x\"\n") ==
        "home.toml:4:1: unknown key auth.kee; did you mean auth.key?");
}

TEST_CASE("profile: complaints never show a private key", "[unit][config]")
{
  const auto broken = GENERATE_COPY(
      "auth.key = \"" + kSeed + "x\"\n", "auth.key = " + kSeed + "\n", "auth.key = \"" + kSeed,
      "auth.key = [\"" + kSeed + "\"]\n", "auth.private_key = \"" + kSeed + "\"\n",
      "auth.private_key = [\"" + kSeed + "\"]\n", "auth.key = f" + kSeed + "\n",
      "auth.key = t" + kSeed + "\n", "auth.key = 0x" + kSeed + "\n",
      "auth.key = \"" + kSeed + "\"\nauth.key = \"" + kSeed + "\"\n",
      "auth.key = \"\\" + kSeed + "\"\n", "auth.key = 2" + kSeed + "\n");
  const auto text = complaints(kGateway + kPins + broken);
  CAPTURE(text);
  for (std::size_t i = 0; i + 4 <= kSeed.size(); ++i)
    CHECK(text.find(kSeed.substr(i, 4)) == std::string::npos);
}

TEST_CASE("profile: one from elsewhere names no files here", "[unit][config]")
{
  const auto file_key = GENERATE(
      as<std::string>{}, "[auth]\nmethod = \"bearer\"\ntoken_file = \"/etc/shadow\"\n",
      "[auth]\nkey_file = \"/etc/shadow\"\n",
      "[auth]\nmethod = \"certificate\"\ncertificate_file = \"/x\"\nprivate_key_file = \"/y\"\n");
  CHECK(parse_profile(kGateway + kPins + file_key, "x", FileReferences::allowed));
  CHECK_THAT(complaints(kGateway + kPins + file_key, FileReferences::refused),
             ContainsSubstring("must not name files"));
  CHECK_THAT(complaints(kGateway + "ca = \"/x\"\n" + kKey, FileReferences::refused),
             ContainsSubstring("ca: a profile from elsewhere must not name files"));
  CHECK(parse_profile(kGateway + "ca = \"system\"\n" + kKey, "x", FileReferences::refused));
}

TEST_CASE("profile: refuses wrong values", "[unit][config]")
{
  const auto line = GENERATE(
      as<std::string>{}, "name = \"a/b\"", "name = \".a\"", "pins = \"x\"", "pins = [\"md5:x\"]",
      "server_name = \"a b\"", "tunnel.path = \"relative\"", "tunnel.path = \"/{other}\"",
      "tunnel.path = \"/{target\"", "tunnel.path = \"/a b\"", "tunnel.path = \"/a?b\"",
      "tunnel.path = \"\"", "tunnel.max_mtu_bytes = 100", "tunnel.keep_alive_s = -1",
      "tunnel.address_request = \"maybe\"", "tunnel.routes = [\"10.0.0.1/8\"]",
      "auth.method = \"any\"", "ca = \"relative.pem\"");
  CAPTURE(line);
  CHECK_THAT(complaints(kGateway + line + "\n"), ContainsSubstring("home.toml:2:"));
}

TEST_CASE("profile: what is written is read back", "[unit][config]")
{
  const auto toml = GENERATE_COPY(
      kGateway + kPins + kKey,
      "name = \"n\"\ngateway = \"[::1]:1\"\nserver_name = \"x.org\"\nca = \"system\"\n"
      "[auth]\nmethod = \"none\"\n[tunnel]\nroutes = [\"10.0.0.0/8\", \"::/0\"]\n"
      "address_request = \"on\"\npath = \"/{target}/{ipproto}\"\nmax_mtu_bytes = 1400\n"
      "keep_alive_s = 7\n",
      kGateway + kPins + "[auth]\nkey_file = \"/a \\\"b\\\"\\u00e4\\u20ac\\U0001F600\\u0001\"\n",
      kGateway + kPins + "[auth]\nmethod = \"bearer\"\ntoken_file = \"/t\"\n",
      kGateway + kPins +
          "[auth]\nmethod = \"certificate\"\ncertificate = \"-----BEGIN A\\nx\"\n"
          "private_key = \"-----BEGIN B\\n\\ty\"\n",
      kGateway + kPins +
          "[auth]\nmethod = \"certificate\"\ncertificate_file = \"/c\"\n"
          "private_key_file = \"/k\"\n");
  const auto text = format_profile(good(toml));
  CHECK(format_profile(good(text.reveal())) == text);
  CHECK(method_name(good(text.reveal()).auth) == method_name(good(toml).auth));
}

TEST_CASE("profile: a name is safe as a file name", "[unit][config]")
{
  for (const auto* const name : {"a", "home-2", "A.b_c", "vpn.example.org"})
    CHECK(is_valid_profile_name(name));
  CHECK(is_valid_profile_name(std::string(64, 'a')));
  CHECK_FALSE(is_valid_profile_name(std::string(65, 'a')));
  CHECK_FALSE(is_valid_profile_name(std::string("a\0b", 3)));
  for (const auto* const name : {"", ".", "..", ".hidden", "a/b", "../a", "a b", "\xc3\xa4", "a\n"})
    CHECK_FALSE(is_valid_profile_name(name));
}

TEST_CASE("profile: deep nesting and long text are refused", "[unit][config]")
{
  CHECK_THAT(complaints("a = " + std::string(60000, '[')), ContainsSubstring("nested too deeply"));
  CHECK_THAT(complaints(std::string(kMaxProfileBytes + 1, ' ')), ContainsSubstring("longer than"));
}

TEST_CASE("profile: a token is read without white space around it", "[unit][config]")
{
  const TempDir dir;
  test::write(dir / "token", "  abc.DEF-_~+/=\r\n");
  const auto token = load_token({dir / "token"});
  REQUIRE(token);
  CHECK(token->reveal() == "abc.DEF-_~+/=");
}

TEST_CASE("profile: a token that could break a header is refused", "[unit][config]")
{
  const TempDir dir;
  const auto content =
      GENERATE(as<std::string>{}, "", " \n", "two words", "a\nb", "a\"b", std::string("a\0b", 3));
  test::write(dir / "token", content);
  const auto token = load_token({dir / "token"});
  REQUIRE_FALSE(token);
  CHECK(token.error().code == Errc::invalid_argument);
  CHECK_FALSE(load_token({dir / "none"}));
}
