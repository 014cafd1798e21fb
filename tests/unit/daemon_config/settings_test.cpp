#include "daemon/config/settings.hpp"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <random>

#include "daemon/config/settings_schema.hpp"
#include "libtunnel/base/file.hpp"
#include "tests/support/catch_result.hpp"
#include "tests/support/hex.hpp"

using namespace slopn;
using namespace slopn::config;
using Catch::Matchers::ContainsSubstring;
using test::prefix;

namespace {

Settings changed(const std::vector<SettingText>& changes, const Settings& before = {})
{
  const auto after = with_changes(before, changes);
  if (!after) FAIL(after.error().context);
  return *after;
}

SettingsRefusal refused(const std::vector<SettingText>& changes)
{
  const auto after = with_changes(Settings{}, changes);
  REQUIRE_FALSE(after);
  CHECK(after.error().code == Errc::invalid_argument);
  return after.error();
}

std::string complaint(const std::string& toml)
{
  const auto settings = parse_settings(toml, "settings.toml");
  REQUIRE_FALSE(settings);
  return settings.error().context;
}

// One line of a whole text replaced, by the beginning of the line.
std::string with_line(const std::string& begin, const std::string& line)
{
  std::string text = format_settings(Settings{});
  const auto at = text.find("\n" + begin) + 1;
  REQUIRE(at != 0);
  return text.replace(at, text.find('\n', at) - at, line);
}

IpPrefix random_prefix(std::mt19937& random)
{
  std::array<std::uint8_t, 16> bytes{};
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  const bool v4 = random() % 2 == 0;
  const auto address =
      v4 ? IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}) : IpAddress::v6(bytes);
  return IpPrefix::containing(address, static_cast<std::uint8_t>(random() % (v4 ? 33 : 129)));
}

// Any settings that `parse_settings` may accept.
Settings random_settings(std::mt19937& random)
{
  constexpr std::string_view kNameCharacters = "azAZ09._-";
  const auto flag = [&] { return random() % 2 == 0; };
  Settings made;
  if (flag()) {
    made.auto_connect = "n";
    while (flag()) made.auto_connect += kNameCharacters[random() % kNameCharacters.size()];
  }
  made.lockdown = flag();
  made.lan_access = flag();
  if (flag()) made.mtu_bytes = static_cast<std::uint16_t>(1280 + random() % (65536 - 1280));
  if (flag()) made.protocol = TunnelProtocol::connect_ip;
  made.dns = static_cast<DnsMode>(random() % 3);
  if (made.dns == DnsMode::custom) {
    made.dns_servers = {*IpAddress::parse("192.0.2.53")};
    if (flag()) made.dns_servers.push_back(*IpAddress::parse("2001:db8::53"));
  }
  for (auto count = random() % 5; count > 0; --count)
    made.split_exclude.push_back(random_prefix(random));
  for (auto count = random() % 5; count > 0; --count) {
    const auto included = random_prefix(random);
    const auto covers = [&](const IpPrefix& one) {
      return one.length_bits() <= included.length_bits() && one.contains(included.address());
    };
    if (std::ranges::none_of(made.split_exclude, covers)) made.split_include.push_back(included);
  }
  return made;
}

}  // namespace

TEST_CASE("settings: what is written is read back the same", "[unit][config]")
{
  std::mt19937 random{20261121};
  for (int i = 0; i < 500; ++i) {
    const Settings settings = random_settings(random);
    const std::string text = format_settings(settings);
    CAPTURE(text);
    const auto again = parse_settings(text, "again.toml");
    REQUIRE(again);
    CHECK(*again == settings);
    CHECK(format_settings(*again) == text);
  }
}

TEST_CASE("settings: texts for people are taken back as changes", "[unit][config]")
{
  std::mt19937 random{42};
  for (int i = 0; i < 500; ++i) {
    const Settings settings = random_settings(random);
    CHECK(changed(setting_texts(settings)) == settings);
    CHECK(changed(setting_texts(settings), random_settings(random)) == settings);
  }
}

TEST_CASE("settings: a text that was cut off anywhere is refused", "[unit][config]")
{
  std::mt19937 random{7};
  const std::string whole = format_settings(random_settings(random));
  // Without the last line feed nothing is lost.
  for (std::size_t length = 0; length + 1 < whole.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(parse_settings(std::string_view{whole}.substr(0, length), "settings.toml"));
  }
}

TEST_CASE("settings: files of every version are read", "[unit][config]")
{
  const std::filesystem::path dir{SLOPN_SOURCE_DIR "/tests/unit/daemon_config/settings"};
  Settings expected;
  expected.auto_connect = "office";
  expected.lockdown = true;
  expected.lan_access = true;
  expected.mtu_bytes = 1320;
  expected.protocol = TunnelProtocol::connect_ip;
  expected.dns = DnsMode::custom;
  expected.dns_servers = {*IpAddress::parse("192.0.2.53"), *IpAddress::parse("2001:db8::53")};
  expected.split_exclude = {prefix("192.0.2.0/24"), prefix("2001:db8:7::/48")};
  expected.split_include = {prefix("10.0.0.0/8"), prefix("fd00::/8")};
  for (std::uint32_t version = 1; version <= kSettingsVersion; ++version) {
    const auto file = dir / ("version-" + std::to_string(version) + ".toml");
    const auto text = read_file(file, {kMaxSettingsBytes});
    REQUIRE(text);
    const auto settings = parse_settings(*text, file.string());
    REQUIRE(settings);
    CHECK(*settings == expected);
  }
}

TEST_CASE("settings: each step of a migration is done once and in order", "[unit][config]")
{
  constexpr std::array<SettingsStep, 3> kSteps{
      [](Table& table) {
        table.push_back({{}, "from-1", {{}, true}});
      },
      [](Table& table) {
        table.push_back({{}, "from-2", {{}, true}});
      },
      [](Table& table) {
        table.push_back({{}, "from-3", {{}, true}});
      },
  };
  const auto names_from = [&](std::uint32_t version) {
    Table table;
    migrate_settings(table, version, kSteps);
    std::string names;
    for (const auto& member : table) names += member.name + " ";
    return names;
  };
  CHECK(names_from(1) == "from-1 from-2 from-3 ");
  CHECK(names_from(3) == "from-3 ");
  CHECK(names_from(4).empty());
}

TEST_CASE("settings: a newer version is refused by name", "[unit][config]")
{
  const auto newer = GENERATE(as<std::string>{}, "schema_version = 2\n",
                              "schema_version = 4294967295\nanything = [1, 2]\n");
  const auto settings = parse_settings(newer, "settings.toml");
  REQUIRE_FALSE(settings);
  CHECK(settings.error().code == Errc::refused);
  CHECK_THAT(settings.error().context,
             ContainsSubstring("settings.toml: written by a newer slopnd (schema_version"));
}

TEST_CASE("settings: a text without a version is refused", "[unit][config]")
{
  const auto text = GENERATE(as<std::string>{}, "", "lockdown = true\n", "schema_version = 0\n",
                             "schema_version = -1\n", "schema_version = \"1\"\n",
                             "schema_version = 4294967296\n");
  CHECK_THAT(complaint(text), ContainsSubstring("schema_version: "));
}

TEST_CASE("settings: complaints name the key and the place", "[unit][config]")
{
  CHECK_THAT(complaint(with_line("lockdown", "lockdown = \"yes\"")),
             ContainsSubstring("settings.toml:3:12: lockdown: expected true or false"));
  CHECK_THAT(complaint(with_line("mtu_bytes", "mtu_bytes = 1279")),
             ContainsSubstring("mtu_bytes: expected 0 or integer from 1280 to 65535 (bytes)"));
  CHECK_THAT(complaint(with_line("lan_access", "lan_acess = true")),
             ContainsSubstring("unknown key lan_acess; did you mean lan_access?"));
  CHECK_THAT(complaint(with_line("lan_access", "")), ContainsSubstring("lan_access: missing"));
  CHECK_THAT(complaint(with_line("servers", "servers = [\"192.0.2.53\"]")),
             ContainsSubstring("dns.servers: are used only if dns.mode is \"custom\""));
  CHECK_THAT(complaint(with_line("mode", "mode = \"custom\"")),
             ContainsSubstring("dns.servers: dns.mode is \"custom\", which needs one at least"));
  CHECK_THAT(complaint(std::string(kMaxSettingsBytes + 1, '#')), ContainsSubstring("longer than"));
}

TEST_CASE("settings: changes are made one after the other", "[unit][config]")
{
  const auto made = changed({{"lockdown", "true"},
                             {"mtu_bytes", " 1400 "},
                             {"split.exclude", "192.0.2.0/24, 2001:db8::/32,198.51.100.7"},
                             {"protocol", "connect-ip"},
                             {"lockdown", "false"}});
  CHECK_FALSE(made.lockdown);
  CHECK(made.mtu_bytes == 1400);
  CHECK(made.split_exclude ==
        std::vector{prefix("192.0.2.0/24"), prefix("2001:db8::/32"), prefix("198.51.100.7/32")});
  CHECK(made.protocol == TunnelProtocol::connect_ip);
}

TEST_CASE("settings: an empty value is the default", "[unit][config]")
{
  Settings before;
  before.auto_connect = "office";
  before.lockdown = true;
  before.mtu_bytes = 1400;
  before.split_exclude = {prefix("192.0.2.0/24")};
  for (const auto& info : setting_infos()) {
    const auto value = GENERATE(as<std::string>{}, "", "  ");
    before = changed({{info.name, value}}, before);
  }
  CHECK(before == Settings{});
}

TEST_CASE("settings: a refusal names the key", "[unit][config]")
{
  struct Case {
    SettingText change;
    std::string complaint;
  };
  const auto [change, complaint] = GENERATE(values<Case>({
      {{"lockdwn", "true"}, "unknown key lockdwn; did you mean lockdown?"},
      {{"dns", "system"}, "unknown key dns"},
      {{"lockdown", "yes"}, "lockdown: expected true or false, found \"yes\""},
      {{"mtu_bytes", "1279"}, "mtu_bytes: expected 0 or integer from 1280"},
      {{"mtu_bytes", "65536"}, "mtu_bytes: expected 0 or integer from 1280"},
      {{"mtu_bytes", "-0x1"}, "mtu_bytes: expected 0 or integer from 1280"},
      {{"auto_connect", "../x"}, "auto_connect: expected profile name"},
      {{"protocol", "wireguard"}, "protocol: expected \"auto\" or \"connect-ip\""},
      {{"dns.servers", "0.0.0.0"}, "dns.servers: expected IP address"},
      {{"dns.servers", "192.0.2.53"}, "dns.servers: are used only if"},
      {{"dns.mode", "custom"}, "dns.servers: dns.mode is \"custom\""},
      {{"split.exclude", "192.0.2.1/24"}, "split.exclude: expected prefix"},
      {{"split.include", "10.0.0.0/8,,"}, "split.include: expected prefix"},
      {{std::string(100000, 'x'), "1"}, "unknown key xxx"},
      {{"split.exclude", std::string(100000, '\xff')}, "split.exclude: expected prefix"},
  }));
  const auto refusal = refused({{"lan_access", "true"}, change});
  CHECK_THAT(refusal.context, ContainsSubstring(complaint));
  CHECK(refusal.key.substr(0, 20) == change.key.substr(0, 20));
  CHECK(refusal.context.size() < 1000);
}

TEST_CASE("settings: nothing can be included that is excluded", "[unit][config]")
{
  const auto refusal = refused({{"split.exclude", "10.0.0.0/8"}, {"split.include", "10.1.0.0/16"}});
  CHECK(refusal.key == "split.include");
  CHECK_THAT(refusal.context, ContainsSubstring("10.1.0.0/16 lies inside of 10.0.0.0/8"));
  CHECK(with_changes({}, std::vector<SettingText>{{"split.exclude", "10.1.0.0/16"},
                                                  {"split.include", "10.0.0.0/8"}}));
}

TEST_CASE("settings: a list has an end", "[unit][config]")
{
  std::string many = "10.0.0.0/32";
  for (std::size_t i = 1; i < kMaxSplitPrefixes; ++i) many += ",10.0.0.0/32";
  CHECK(with_changes({}, std::vector<SettingText>{{"split.exclude", many}}));
  CHECK(refused({{"split.exclude", many + ",10.0.0.1"}}).key == "split.exclude");
}

TEST_CASE("settings: what has no effect yet is not taken", "[unit][config]")
{
  CHECK(check_supported(Settings{}));
  for (const DnsMode mode : {DnsMode::gateway, DnsMode::custom}) {
    Settings settings;
    settings.dns = mode;
    const auto refusal = check_supported(settings);
    REQUIRE_FALSE(refusal);
    CHECK(refusal.error().key == "dns.mode");
    CHECK_THAT(refusal.error().context, ContainsSubstring("does not manage DNS yet"));
  }
}

TEST_CASE("settings: changed keys are named", "[unit][config]")
{
  Settings after;
  after.lan_access = true;
  after.split_include = {prefix("10.0.0.0/8")};
  CHECK(changed_keys(Settings{}, after) == std::vector<std::string>{"lan_access", "split.include"});
  CHECK(changed_keys(after, after).empty());
}
