#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/config/load.hpp"
#include "tests/support/catch_result.hpp"

using namespace slopn;
using namespace slopn::config;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

constexpr std::string_view kKey = "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
constexpr std::string_view kPin = "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

std::string complaints(std::string_view toml)
{
  const auto config = parse_config(toml, "slopnd.toml");
  REQUIRE_FALSE(config);
  CHECK(config.error().code == Errc::invalid_argument);
  return config.error().context;
}

Config good(std::string_view toml)
{
  auto config = parse_config(toml, "slopnd.toml");
  REQUIRE(config);
  return *config;
}

}  // namespace

TEST_CASE("config: an empty file means the defaults", "[unit][config]")
{
  const Config config = good("");
  CHECK(config.role == Role::client);
  CHECK(config.control.socket == "/run/slopn/slopnd.sock");
  CHECK(config.client.fwmark == 0x736c6f70);
  CHECK_FALSE(config.gateway.auth.anonymous);
  CHECK_FALSE(config.gateway.client_to_client);
  CHECK(config.gateway.listen.size() == 2);
}

TEST_CASE("config: the defaults forbid the metadata services of clouds", "[unit][config]")
{
  const GatewayConfig gateway;
  for (const auto* const text : {"169.254.169.254", "100.100.100.200", "168.63.129.16",
                                 "fd00:ec2::254", "fd20:ce::254", "fe80::1"}) {
    const auto address = IpAddress::parse(text);
    REQUIRE(address);
    CAPTURE(text);
    CHECK(std::ranges::any_of(gateway.forbidden,
                              [&](const auto& prefix) { return prefix.contains(*address); }));
  }
}

TEST_CASE("config: reads every kind of value", "[unit][config]")
{
  const Config config = good(std::string{R"(
role = "gateway"
state_dir = "/srv/slopn"
[log]
level = "debug"
format = "json"
[client]
fwmark = 0x10
retry.first_backoff_ms = 250
[gateway]
listen = ["192.0.2.1:4242", "[2001:db8::1]:443"]
hostnames = ["VPN.example.org", "192.0.2.1"]
public_endpoint = "vpn.example.org"
pools = ["10.9.0.0/24", "fd00:1::/64"]
masquerade = false
[gateway.limits]
idle_timeout_s = 90
[[gateway.auth.client]]
name = "laptop"
public_key = ")"} + std::string{kKey} +
                             R"("
[[gateway.auth.client]]
name = "router"
certificate_pin = ")" + std::string{kPin} +
                             "\"\n");
  CHECK(config.role == Role::gateway);
  CHECK(config.state_dir == "/srv/slopn");
  CHECK(config.log.level == LogLevel::debug);
  CHECK(config.log.format == LogFormat::json);
  CHECK(config.client.fwmark == 16);
  CHECK(config.client.retry.first_backoff == std::chrono::milliseconds{250});
  REQUIRE(config.gateway.listen.size() == 2);
  CHECK(config.gateway.listen[1].to_string() == "[2001:db8::1]:443");
  CHECK(config.gateway.hostnames == std::vector<std::string>{"vpn.example.org", "192.0.2.1"});
  CHECK(config.gateway.public_endpoint == HostPort{"vpn.example.org", 443});
  CHECK(config.gateway.pools.size() == 2);
  CHECK_FALSE(config.gateway.masquerade);
  CHECK(config.gateway.limits.idle_timeout == std::chrono::seconds{90});
  REQUIRE(config.gateway.auth.clients.size() == 2);
  CHECK(config.gateway.auth.clients[0] ==
        KnownClient{"laptop", crypto::PublicKey::parse(kKey).value()});
  CHECK(config.gateway.auth.clients[1] ==
        KnownClient{"router", crypto::SpkiPin::parse(kPin).value()});
}

TEST_CASE("config: an unknown key is told with its place and the nearest name", "[unit][config]")
{
  CHECK(complaints("[gateway]\nmasquerade = true\nlisen = [\"0.0.0.0:443\"]\n") ==
        "slopnd.toml:3:1: unknown key gateway.lisen; did you mean gateway.listen?");
}

TEST_CASE("config: an unknown section is told once", "[unit][config]")
{
  CHECK(complaints("[gatway]\nlisten = []\nroutes = []\n") ==
        "slopnd.toml:1:2: unknown key gatway; did you mean gateway?");
}

TEST_CASE("config: a key in the wrong section is found by its last part", "[unit][config]")
{
  CHECK_THAT(complaints("[gateway]\nanonymous = true\n"),
             ContainsSubstring("did you mean gateway.auth.anonymous?"));
}

TEST_CASE("config: nothing is suggested for a name that is like none", "[unit][config]")
{
  CHECK(complaints("zzzzzzzzzzzz = 1\n") == "slopnd.toml:1:1: unknown key zzzzzzzzzzzz");
}

TEST_CASE("config: all complaints are collected, not only the first", "[unit][config]")
{
  const auto text = complaints("roll = 1\n[log]\nlevel = 3\n[gateway]\npools = [\"10.0.0.1/8\"]\n");
  CHECK_THAT(text, ContainsSubstring("unknown key roll; did you mean role?"));
  CHECK_THAT(text, ContainsSubstring(
                       "slopnd.toml:3:9: log.level: expected \"error\" or \"warn\" or \"info\" or "
                       "\"debug\", found 3"));
  CHECK_THAT(text, ContainsSubstring("slopnd.toml:5:10: gateway.pools: expected prefix"));
  CHECK(std::ranges::count(text, '\n') == 2);
}

TEST_CASE("config: a wrong type or value is refused", "[unit][config]")
{
  const auto toml = GENERATE(
      as<std::string>{}, "role = \"server\"", "role = true", "state_dir = \"relative\"",
      "state_dir = \"\"", "log.level = \"\"", "log = 3", "log = [1]", "client.fwmark = 0",
      "client.fwmark = -1", "client.fwmark = 4294967296", "client.fwmark = \"5\"",
      "client.fwmark = 1.5", "client.fwmark = 1979-05-27", "client.routing_table = 254",
      "client.connect_on_start = \"true\"", "client.connect_on_start = 1",
      "client.interface_name = \"sixteen-bytes-xx\"", "client.interface_name = \"a/b\"",
      "client.interface_name = \"\"", "client.interface_name = \"slopn%d\"",
      "client.max_mtu_bytes = 1279", "client.max_mtu_bytes = 65536",
      "client.default_profile = \"../etc\"", "client.keep_alive_s = 30",
      "client.retry.longest_backoff_s = 1\nclient.retry.first_backoff_ms = 1001",
      "gateway.listen = []", "gateway.listen = \"0.0.0.0:443\"", "gateway.listen = [443]",
      "gateway.listen = [\"0.0.0.0:0\"]", "gateway.listen = [\"example.org:443\"]",
      "gateway.listen = [\"0.0.0.0:443\", \"0.0.0.0:443\"]", "gateway.pools = []",
      "gateway.pools = [\"10.0.0.0/8\", \"10.1.0.0/16\"]", "gateway.pools = [\"10.0.0.0/31\"]",
      "gateway.pools = [\"0.0.0.0/0\"]", "gateway.pools = [\"224.0.0.0/8\"]",
      "gateway.pools = [\"127.0.0.0/8\"]", "gateway.pools = [\"fe80::/64\"]",
      "gateway.pools = [\"fd00::/127\"]", "gateway.hostnames = [\"a b\"]",
      "gateway.public_endpoint = \"https://x\"", "gateway.tls.certificate = \"/etc/x.pem\"",
      "gateway.tls.private_key = \"/etc/x.pem\"", "gateway.limits.max_sessions = 0",
      "gateway.limits.keep_alive_s = 60", "control.socket = \"\"", "control.group = \"a b\"",
      "transport.congestion_control = \"vegas\"");
  CAPTURE(toml);
  CHECK_THAT(complaints(toml), ContainsSubstring(": "));
}

TEST_CASE("config: a socket path that the kernel cannot take is refused", "[unit][config]")
{
  CHECK(good("control.socket = \"/" + std::string(106, 'x') + "\"").role == Role::client);
  CHECK_THAT(complaints("control.socket = \"/" + std::string(107, 'x') + "\""),
             ContainsSubstring("107"));
}

TEST_CASE("config: a client needs a name and one identity", "[unit][config]")
{
  const auto table = [](const std::string& lines) {
    return "[[gateway.auth.client]]\n" + lines + "\n";
  };
  const std::string key = "public_key = \"" + std::string{kKey} + "\"\n";
  const std::string pin = "certificate_pin = \"" + std::string{kPin} + "\"\n";
  CHECK_THAT(complaints(table(key)), ContainsSubstring("needs a name"));
  CHECK_THAT(complaints(table("name = \"a\"")), ContainsSubstring("needs either"));
  CHECK_THAT(complaints(table("name = \"a\"\n" + key + pin)), ContainsSubstring("needs either"));
  CHECK_THAT(complaints(table("name = \"a\"\npublic_key = \"ed25519:AAAA\"")),
             ContainsSubstring("slopnd.toml:3:14: gateway.auth.client.public_key: expected key"));
  CHECK_THAT(complaints(table("nane = \"a\"\n" + key)),
             ContainsSubstring("did you mean gateway.auth.client.name?"));
  CHECK_THAT(complaints("gateway.auth.client = [1]"), ContainsSubstring("expected a table"));
}

TEST_CASE("config: two clients share neither name nor key", "[unit][config]")
{
  const auto client = [](std::string_view name, std::string_view identity) {
    return "[[gateway.auth.client]]\nname = \"" + std::string{name} + "\"\n" +
           std::string{identity} + "\n";
  };
  const std::string key = "public_key = \"" + std::string{kKey} + "\"";
  const std::string pin = "certificate_pin = \"" + std::string{kPin} + "\"";
  CHECK_THAT(complaints(client("a", key) + client("b", key)), ContainsSubstring("same public_key"));
  CHECK_THAT(complaints(client("a", key) + client("a", pin)), ContainsSubstring("same name"));
}

TEST_CASE("config: broken TOML is told with its place", "[unit][config]")
{
  CHECK_THAT(complaints("role = \"client\"\nlog = {\n"), StartsWith("slopnd.toml:2:"));
  CHECK_THAT(complaints("role = client\n"), ContainsSubstring("not valid TOML"));
  CHECK_THAT(complaints("role = \"client\"\nrole = \"gateway\"\n"), StartsWith("slopnd.toml:2:"));
  CHECK_THAT(complaints(std::string("role = \"\0\"", 10)), ContainsSubstring("not valid TOML"));
  CHECK_THAT(complaints("\xff\xfe"), ContainsSubstring("not valid TOML"));
}

TEST_CASE("config: deep nesting is refused before it can hurt", "[unit][config]")
{
  std::string dotted = "a";
  for (int i = 0; i < 100000; ++i) dotted += ".a";
  std::string tables;
  for (int i = 0; i < 100000; ++i) tables += "{a=";
  std::string quoted_names = "'a'";
  for (int i = 0; i < 100000; ++i) quoted_names += ".\"a\"";
  const std::string hidden = "x = {a = \"\"\"q\"\"\"\", " + dotted + " = 1}";
  for (const auto& toml : {dotted + " = 1", "[" + dotted + "]", "x = " + tables,
                           "x = " + std::string(100000, '['), quoted_names + " = 1", hidden}) {
    CHECK_THAT(complaints(toml), ContainsSubstring("nested too deeply"));
  }
}

TEST_CASE("config: what the TOML library cannot bear never reaches it", "[unit][config]")
{
  for (const auto* const toml : {"[,x]", "[ ,x]", "[[,x]]", "[[ \t=]]", "  [.a]", "[\n", "["})
    CHECK_THAT(complaints(toml), ContainsSubstring("a table needs a name"));
  for (const auto* const toml : {"f = 2026-11-21", "f = 2026-11-21Tx", "f = [2026-", "2026-1 = 1"})
    CHECK_THAT(complaints(toml), ContainsSubstring("dates and times must be in quotes"));
  for (const auto* const toml : {"f = 07:32:00", "f = 1;", "f = $", "a:b = 1", "f = (1)", "@"})
    CHECK_THAT(complaints(toml), ContainsSubstring("unexpected character"));
  for (const auto* const toml : {"f = [[[}]]", "f = [}", "f = {]", "f = ]", "f = 1 }"})
    CHECK_THAT(complaints(toml), ContainsSubstring("brackets do not match"));
  for (const auto* const toml : {"\xef\xb3\xbf = 1", "a = \xef\xbb\xbf", "[\x01]", "\x7f"})
    CHECK_THAT(complaints(toml), ContainsSubstring("not valid TOML"));
}

TEST_CASE("config: an editor's byte order mark is let pass", "[unit][config]")
{
  CHECK(good("\xef\xbb\xbfrole = \"gateway\"\r\n").role == Role::gateway);
}

TEST_CASE("config: characters beyond ASCII are for comments, and escaped in strings",
          "[unit][config]")
{
  CHECK(good("# \xc3\xa4\nstate_dir = \"/\\u00e4\" # \xc3\xa4\n").state_dir == "/\xc3\xa4");
  for (const auto* const toml : {"state_dir = \"/\xc3\xa4\"", "state_dir = '/\xc3\xa4'",
                                 "state_dir = '''/\n\xc3\xa4'''", "role = \"\\\xc3\xa4\""})
    CHECK_THAT(complaints(toml), ContainsSubstring("beyond ASCII"));
}

TEST_CASE("config: an escaped quote does not end a string", "[unit][config]")
{
  CHECK(good("state_dir = \"/a\\\"#b\" # c").state_dir == "/a\"#b");
  CHECK(good("state_dir = \"/a\\\\\" # \"").state_dir == "/a\\");
}

TEST_CASE("config: dots in strings and comments are no nesting", "[unit][config]")
{
  const std::string dots(200, '.');
  const std::string toml = "# [[[[[[[[[[[[[[[[[[[ " + dots + "\nstate_dir = \"/" + dots +
                           "\"\ncontrol.socket = '/[[[[[[[[[[[[[[[[[[[" + "'\n";
  CHECK(good(toml).state_dir == "/" + dots);
}

TEST_CASE("config: a file that is too long is refused", "[unit][config]")
{
  CHECK_THAT(complaints(std::string(kMaxConfigBytes + 1, '\n')), ContainsSubstring("longer than"));
}

TEST_CASE("config: many mistakes make a short message", "[unit][config]")
{
  std::string toml;
  for (int i = 0; i < 50000; ++i) toml += "unknown_" + std::to_string(i) + " = 1\n";
  const auto text = complaints(toml);
  CHECK(text.size() < 10000);
  CHECK_THAT(text, ContainsSubstring("and 49950 more"));
}

TEST_CASE("config: a message shows control characters of the file as question marks",
          "[unit][config]")
{
  const auto text = complaints("role = \"\\u001b[31m\\u0007\"\n\"\\u001bx\" = 1\n");
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK_THAT(text, ContainsSubstring("found \"?[31m?\""));
}
