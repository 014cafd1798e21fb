#include "daemon/supervisor/settings_shelf.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fstream>
#include <sstream>

#include "tests/support/catch_result.hpp"
#include "tests/support/temporary_dir.hpp"

namespace slopn::daemon {
namespace {

using Catch::Matchers::ContainsSubstring;
using Changes = std::vector<config::SettingText>;

// A state folder, and shelves that are opened on it one after the other.
class Host {
 public:
  [[nodiscard]] SettingsShelf open()
  {
    const auto find = [](const std::string& name) -> Result<> {
      if (name == "office") return {};
      return fail(Errc::not_found, "profile " + name);
    };
    return {file(), find, std::make_shared<spdlog::logger>("test", sink_)};
  }
  [[nodiscard]] std::filesystem::path file() const { return dir_.path() / "settings.toml"; }
  void write(std::string_view content) const { std::ofstream{file()} << content; }
  [[nodiscard]] std::string log() const { return log_.str(); }

 private:
  test::TemporaryDir dir_{0755};
  std::ostringstream log_;
  std::shared_ptr<spdlog::sinks::sink> sink_ =
      std::make_shared<spdlog::sinks::ostream_sink_st>(log_, true);
};

}  // namespace

TEST_CASE("settings shelf: a change outlives the daemon", "[unit][supervisor]")
{
  Host host;
  REQUIRE(host.open().update({{"lan_access", "true"}, {"auto_connect", "office"}}));
  const auto shelf = host.open();
  CHECK(shelf.problem().empty());
  CHECK(shelf.current().lan_access);
  CHECK(shelf.current().auto_connect == "office");
  CHECK_THAT(host.log(), ContainsSubstring("changed keys=auto_connect,lan_access"));
}

TEST_CASE("settings shelf: a change that is wrong anywhere changes nothing", "[unit][supervisor]")
{
  Host host;
  auto shelf = host.open();
  const auto refused = shelf.update({{"lan_access", "true"}, {"mtu_bytes", "1"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().key == "mtu_bytes");
  CHECK_FALSE(shelf.current().lan_access);
  CHECK_FALSE(std::filesystem::exists(host.file()));
}

TEST_CASE("settings shelf: what has no effect is refused", "[unit][supervisor]")
{
  Host host;
  auto shelf = host.open();
  CHECK(shelf.update({{"dns.mode", "gateway"}}).error().key == "dns.mode");
  const auto unknown = shelf.update({{"auto_connect", "nowhere"}});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().key == "auto_connect");
  CHECK(unknown.error().code == Errc::invalid_argument);
  config::Settings elsewhere;
  elsewhere.dns = config::DnsMode::gateway;
  CHECK(shelf.replace(config::format_settings(elsewhere)).error().key == "dns.mode");
  CHECK(shelf.current() == config::Settings{});
}

TEST_CASE("settings shelf: a file that cannot be read locks, until somebody repairs it",
          "[unit][supervisor]")
{
  Host host;
  host.write("schema_version = 1\nlockdown = false\n");
  {
    auto shelf = host.open();
    CHECK(shelf.current().lockdown);
    CHECK_THAT(shelf.problem(), ContainsSubstring("lan_access: missing"));
    CHECK(shelf.report().problem == shelf.problem());
    CHECK_THAT(host.log(), ContainsSubstring("traffic is blocked"));
    CHECK_FALSE(shelf.update({{"mtu_bytes", "1"}}));
    CHECK_FALSE(shelf.problem().empty());
  }
  auto shelf = host.open();
  SECTION("a change keeps what it does not name: lockdown")
  {
    REQUIRE(shelf.update({{"mtu_bytes", "1400"}}));
    CHECK(shelf.current().lockdown);
  }
  SECTION("even one that changes nothing repairs")
  {
    REQUIRE(shelf.update({{"lockdown", "true"}}));
    CHECK(shelf.current().lockdown);
  }
  SECTION("an import says all of it")
  {
    REQUIRE(shelf.replace(config::format_settings({})));
    CHECK_FALSE(shelf.current().lockdown);
  }
  CHECK(shelf.problem().empty());
  CHECK(host.open().problem().empty());
  CHECK(std::filesystem::exists(host.file().string() + ".damaged-1"));
}

TEST_CASE("settings shelf: settings of a newer version are not imported", "[unit][supervisor]")
{
  Host host;
  auto shelf = host.open();
  const auto refused = shelf.replace("schema_version = 99\n");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::refused);
  CHECK_FALSE(std::filesystem::exists(host.file()));
}

TEST_CASE("settings shelf: what cannot be stored is not in force", "[unit][supervisor]")
{
  Host host;
  std::filesystem::create_directory(host.file());
  auto shelf = host.open();
  CHECK(shelf.current().lockdown);
  CHECK_FALSE(shelf.update({{"lockdown", "false"}}));
  CHECK(shelf.current().lockdown);
}

TEST_CASE("settings shelf: what is exported can be imported", "[unit][supervisor]")
{
  Host host;
  auto shelf = host.open();
  REQUIRE(shelf.update({{"split.exclude", "192.0.2.0/24"}, {"lan_access", "true"}}));
  Host other;
  auto there = other.open();
  REQUIRE(there.replace(shelf.text()));
  CHECK(there.current() == shelf.current());
}

}  // namespace slopn::daemon
