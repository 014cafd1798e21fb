#include "daemon/config/settings_store.hpp"

#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "libtunnel/base/file.hpp"
#include "temp_dir.hpp"
#include "tests/support/catch_result.hpp"

using namespace slopn;
using namespace slopn::config;
using Catch::Matchers::ContainsSubstring;
using test::TempDir;

namespace {

Settings some_settings()
{
  Settings settings;
  settings.auto_connect = "office";
  settings.lan_access = true;
  return settings;
}

std::string content_of(const std::filesystem::path& file)
{
  const auto content = read_file(file, {kMaxSettingsBytes * 4});
  REQUIRE(content);
  return *content;
}

}  // namespace

TEST_CASE("settings store: no file means defaults", "[unit][config]")
{
  const TempDir dir;
  const auto loaded = SettingsStore{dir / "settings.toml"}.load();
  CHECK_FALSE(loaded.problem);
  CHECK(loaded.settings == Settings{});
}

TEST_CASE("settings store: what was saved is loaded, and nobody else can read it", "[unit][config]")
{
  const TempDir dir;
  const SettingsStore store{dir / "settings.toml"};
  REQUIRE(store.save(some_settings()));
  CHECK(store.load().settings == some_settings());
  CHECK(test::mode_of(dir / "settings.toml") == 0600);
  REQUIRE(store.save(Settings{}));
  CHECK(store.load().settings == Settings{});
  CHECK_FALSE(std::filesystem::exists(dir / "settings.toml.damaged-1"));
}

TEST_CASE("settings store: a broken file means lockdown, and stays as it is", "[unit][config]")
{
  const TempDir dir;
  const std::string whole = format_settings(some_settings());
  const auto broken = GENERATE_COPY(
      std::string{}, std::string{"\0\0\0", 3}, whole.substr(0, whole.size() / 2),
      std::string{"lockdown = false\n"}, whole + "[x]\n", std::string(kMaxSettingsBytes + 1, '#'));
  test::write(dir / "settings.toml", broken);
  const auto loaded = SettingsStore{dir / "settings.toml"}.load();
  REQUIRE(loaded.problem);
  CHECK_THAT(loaded.problem->context, ContainsSubstring("settings.toml"));
  CHECK(loaded.settings.lockdown);
  CHECK(loaded.settings.auto_connect.empty());
  CHECK(content_of(dir / "settings.toml") == broken);
}

TEST_CASE("settings store: a file of others, a folder or a link to nowhere mean lockdown",
          "[unit][config]")
{
  const TempDir dir;
  const SettingsStore store{dir / "settings.toml"};
  SECTION("writable by everyone")
  {
    REQUIRE(store.save(some_settings()));
    REQUIRE(::chmod((dir / "settings.toml").c_str(), 0666) == 0);
  }
  SECTION("a folder")
  {
    std::filesystem::create_directory(dir / "settings.toml");
  }
  SECTION("a FIFO")
  {
    REQUIRE(::mkfifo((dir / "settings.toml").c_str(), 0600) == 0);
  }
  SECTION("a loop of links")
  {
    std::filesystem::create_symlink("settings.toml", dir / "settings.toml");
  }
  const auto loaded = store.load();
  REQUIRE(loaded.problem);
  CHECK(loaded.settings.lockdown);
}

TEST_CASE("settings store: saving keeps a broken file beside the new one", "[unit][config]")
{
  const TempDir dir;
  const SettingsStore store{dir / "settings.toml"};
  for (const auto* const number : {"1", "2"}) {
    test::write(dir / "settings.toml", std::string{"broken "} + number);
    REQUIRE(store.save(some_settings()));
    CHECK(content_of(dir / (std::string{"settings.toml.damaged-"} + number)) ==
          std::string{"broken "} + number);
    CHECK(store.load().settings == some_settings());
  }
}

TEST_CASE("settings store: a newer file is never overwritten", "[unit][config]")
{
  const TempDir dir;
  const SettingsStore store{dir / "settings.toml"};
  const std::string newer = "schema_version = 99\nquantum = true\n";
  test::write(dir / "settings.toml", newer);
  const auto loaded = store.load();
  REQUIRE(loaded.problem);
  CHECK(loaded.problem->code == Errc::refused);
  CHECK_THAT(loaded.problem->context, ContainsSubstring("newer slopnd (schema_version 99"));
  CHECK(loaded.settings.lockdown);
  CHECK(content_of(dir / "settings.toml") == newer);
  REQUIRE(store.save(some_settings()));
  CHECK(content_of(dir / "settings.toml.newer-1") == newer);
}

TEST_CASE("settings store: what cannot be kept is not replaced", "[unit][config]")
{
  const TempDir dir;
  std::filesystem::create_directory(dir / "settings.toml");
  CHECK_FALSE(SettingsStore{dir / "settings.toml"}.save(some_settings()));
  CHECK(std::filesystem::is_directory(dir / "settings.toml"));
}
