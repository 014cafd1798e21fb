#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/config/profile.hpp"
#include "tests/support/catch_result.hpp"

using namespace slopn;
using namespace slopn::config;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string kPin = "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
const std::string kOtherPin = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const std::string kSeed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const std::string kGood = "slopn://vpn.example.org:4242/?v=1&pin=" + kPin + "&key=" + kSeed;

Profile good(const std::string& uri)
{
  auto profile = parse_uri(uri);
  REQUIRE(profile);
  return *profile;
}

std::string complaints(const std::string& uri)
{
  const auto profile = parse_uri(uri);
  REQUIRE_FALSE(profile);
  CHECK(profile.error().code == Errc::invalid_argument);
  return profile.error().context;
}

}  // namespace

TEST_CASE("uri: host, pin and key make a profile", "[unit][config]")
{
  const auto profile = good(kGood);
  CHECK(profile.gateways == std::vector{HostPort{"vpn.example.org", 4242}});
  CHECK(profile.name == "vpn.example.org");
  CHECK(method_name(profile.auth) == "concealed");
}

TEST_CASE("uri: reads every parameter", "[unit][config]")
{
  const auto profile = good(
      "SLOPN://[2001:db8::1]?v=1&name=ho%6de&ca=system&server_name=vpn.example.org&auth=none"
      "&routes=10.0.0.0/8,fd00%3A%3A%2F8&address_request=off&path=/a/%7Btarget%7D&mtu=1300"
      "&keep_alive=5");
  CHECK(profile.gateways == std::vector{HostPort{"2001:db8::1", 443}});
  CHECK(profile.name == "home");
  CHECK(std::holds_alternative<CertificateAuthority>(profile.trust));
  CHECK(profile.server_name == "vpn.example.org");
  CHECK(profile.routes.size() == 2);
  CHECK(profile.address_request == AddressRequest::off);
  CHECK(profile.path_template == "/a/{target}");
  CHECK(profile.max_mtu_bytes == 1300);
  CHECK(profile.keep_alive == std::chrono::seconds{5});
}

TEST_CASE("uri: holds several pins", "[unit][config]")
{
  const auto profile = good("slopn://a/?v=1&auth=none&pin=" + kPin + "," + kOtherPin);
  CHECK(std::get<PinnedKeys>(profile.trust).pins.size() == 2);
}

TEST_CASE("uri: what is written is read back", "[unit][config]")
{
  const auto uri = GENERATE_COPY(
      kGood, "slopn://a/?v=1&auth=none&pin=" + kPin + "," + kOtherPin,
      "slopn://[2001:db8::1]:1/?v=1&name=home&ca=system&server_name=vpn.example.org&auth=none"
      "&routes=10.0.0.0/8,fd00::/8&address_request=off&path=/a/%7Btarget%7D&mtu=1300&keep_alive=0");
  const auto profile = good(uri);
  const auto written = format_uri(profile);
  REQUIRE(written);
  const auto again = good(written->reveal());
  CHECK(format_profile(again) == format_profile(profile));
}

TEST_CASE("uri: a profile that names files has none", "[unit][config]")
{
  const auto keep = GENERATE(0, 1, 2, 3);
  auto profile = good(kGood);
  if (keep == 0) profile.auth = ConcealedAuth{std::filesystem::path{"/key"}};
  if (keep == 1) profile.auth = BearerAuth{"/token"};
  if (keep == 2) profile.auth = CertificateAuth{CertificateAuth::Files{"/c", "/k"}};
  if (keep == 3) profile.trust = CertificateAuthority{"/ca.pem"};
  const auto uri = format_uri(profile);
  REQUIRE_FALSE(uri);
  CHECK(uri.error().code == Errc::invalid_argument);
}

TEST_CASE("uri: what a stranger writes cannot name files here", "[unit][config]")
{
  CHECK_THAT(complaints("slopn://evil.example/?v=1&auth=none&ca=/etc/shadow"),
             ContainsSubstring("must not name files"));
  CHECK_THAT(complaints("slopn://evil.example/?v=1&auth=bearer&token_file=/etc/shadow&pin=" + kPin),
             ContainsSubstring("unknown parameter token_file"));
  CHECK_THAT(complaints("slopn://evil.example/?v=1&auth=bearer&pin=" + kPin),
             ContainsSubstring("auth.token_file: missing"));
}

TEST_CASE("uri: mistakes are told", "[unit][config]")
{
  struct Example {
    std::string uri;
    std::string_view complaint;
  };
  const auto example = GENERATE_COPY(
      Example{"", "does not begin with slopn://"}, Example{"slopn:/", "does not begin"},
      Example{"https://a/?v=1", "does not begin"}, Example{"slopn://", "wants the form"},
      Example{"slopn://a", "wants the form"}, Example{"slopn://a/", "wants the form"},
      Example{"slopn://a/x?v=1", "wants the form"}, Example{"slopn://a/?", "v is missing"},
      Example{"slopn://?v=1", "gateway: "}, Example{"slopn://:443/?v=1", "gateway: expected host"},
      Example{"slopn://u:p@a/?v=1", "no user name"}, Example{kGood + "#x", "no fragment"},
      Example{"slopn://a:99999/?v=1", "gateway: expected host"},
      Example{"slopn://2001:db8::1/?v=1", "gateway: expected host"},
      Example{"slopn://a%2eb/?v=1", "gateway: expected host"},
      Example{"slopn://a/?pin=" + kPin, "parameter v is missing"},
      Example{"slopn://a/?v=2", "v=2 is a newer form"}, Example{"slopn://a/?v=", "newer form"},
      Example{kGood + "&pni=x", "unknown parameter pni; did you mean pin?"},
      Example{kGood + "&name", "parameter name has no value"},
      Example{kGood + "&&x", "has no value"},
      Example{kGood + "&pin=" + kPin, "parameter pin occurs twice"},
      Example{kGood + "&v=1", "parameter v occurs twice"},
      Example{kGood + "&name=%", "not valid percent-encoded"},
      Example{kGood + "&name=%4", "not valid percent-encoded"},
      Example{kGood + "&name=%zz", "not valid percent-encoded"},
      Example{kGood + "&name=%00", "not valid percent-encoded"},
      Example{kGood + "&name=%C3%A4", "not valid percent-encoded"},
      Example{kGood + "&name=a b%0a", "not valid percent-encoded"},
      Example{kGood + "&name=..%2Fx", "parameter name: name: expected profile name"},
      Example{kGood + "&mtu=x", "parameter mtu: tunnel.max_mtu_bytes: expected integer"},
      Example{kGood + "&ca=system", "pins and ca exclude"},
      Example{"slopn://a/?v=1&key=" + kSeed, "needs pins"},
      Example{"slopn://a/?v=1&pin=" + kPin, "auth.method: missing"});
  CAPTURE(example.uri);
  CHECK_THAT(complaints(example.uri), ContainsSubstring(std::string{example.complaint}));
}

TEST_CASE("uri: complaints never show the key", "[unit][config]")
{
  const auto uri = GENERATE_COPY(
      "slopn://a/?v=1&key=" + kSeed + "x", "slopn://a/?v=1&key=%zz" + kSeed,
      "slopn://a/?v=1&key=" + kSeed + "&key=" + kSeed, "slopn://a/?v=1&key=" + kSeed + "&nme=1",
      "https://a/?v=1&key=" + kSeed, "slopn://a/?key=" + kSeed);
  const auto text = complaints(uri);
  CAPTURE(text);
  CHECK(text.find(kSeed.substr(0, 6)) == std::string::npos);
}

TEST_CASE("uri: all complaints are collected", "[unit][config]")
{
  CHECK(std::ranges::count(complaints("slopn://a:0/?v=1&x=1&mtu=1&name=%"), '\n') == 3);
}

TEST_CASE("uri: too long a one is refused, and mistakes are bounded", "[unit][config]")
{
  CHECK_THAT(complaints(kGood + "&name=" + std::string(5000, 'a')),
             ContainsSubstring("longer than 4096 bytes"));
  std::string many = "slopn://a/?v=1";
  for (int i = 0; i < 500; ++i) many += "&x" + std::to_string(i) + "=1";
  CHECK(complaints(many).size() < 8000);
}

TEST_CASE("uri: control characters do not reach the message", "[unit][config]")
{
  const auto text = complaints("slopn://a/?v=1&\x1b[31m=1&\x7f");
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\x7f') == std::string::npos);
}
