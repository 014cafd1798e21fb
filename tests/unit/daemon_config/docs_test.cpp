#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "daemon/config/load.hpp"
#include "daemon/config/profile.hpp"
#include "daemon/config/settings.hpp"
#include "temp_dir.hpp"
#include "tests/support/catch_result.hpp"

using namespace slopn;
using namespace slopn::config;

namespace {

const std::filesystem::path kSource = SLOPN_SOURCE_DIR;

struct Generated {
  std::filesystem::path document;
  std::string name;  ///< Stands between <!-- NAME: begin --> and <!-- NAME: end -->.
  std::string table;
};

std::vector<Generated> generated()
{
  const auto configuration = kSource / "docs/configuration.md";
  return {{configuration, "configuration keys", keys_as_markdown()},
          {configuration, "profile keys", profile_keys_as_markdown()},
          {kSource / "docs/settings.md", "settings keys", settings_as_markdown()}};
}

// The document with `part` in its place; empty if it has no place for it.
std::string with(const std::string& document, const Generated& part)
{
  const std::string begin = "<!-- " + part.name + ": begin -->\n";
  const std::string end = "<!-- " + part.name + ": end -->";
  const auto from = document.find(begin);
  const auto to = document.find(end);
  if (from == std::string::npos || to == std::string::npos || to < from) return {};
  return document.substr(0, from) + begin + part.table + document.substr(to);
}

}  // namespace

TEST_CASE("docs: the tables of keys are those that the program is made from", "[unit][config]")
{
  for (const auto& part : generated()) {
    const auto document = test::content_of(part.document);
    INFO("run: unit_daemon_config '[.update]'");
    CAPTURE(part.name);
    CHECK(with(document, part) == document);
  }
}

TEST_CASE("docs: write the tables of keys", "[.update]")
{
  for (const auto& part : generated()) {
    const auto document = with(test::content_of(part.document), part);
    REQUIRE_FALSE(document.empty());
    test::write(part.document, document);
  }
}

TEST_CASE("docs: the example in settings.md is what a client without wishes exports",
          "[unit][config]")
{
  const auto document = test::content_of(kSource / "docs/settings.md");
  CHECK(document.find("```toml\n" + format_settings({}) + "```\n") != std::string::npos);
}

TEST_CASE("docs: the example configurations are valid and change nothing unsaid", "[unit][config]")
{
  const auto file = GENERATE(as<std::string>{}, "packaging/slopnd.toml.example",
                             "packaging/examples/client.toml", "packaging/examples/gateway.toml");
  const auto config = parse_config(test::content_of(kSource / file), file);
  CHECK(config);
  CHECK_FALSE(test::content_of(kSource / file).empty());
}

TEST_CASE("docs: the commented lines of slopnd.toml.example are the defaults", "[unit][config]")
{
  std::istringstream lines{test::content_of(kSource / "packaging/slopnd.toml.example")};
  std::string toml;
  for (std::string line; std::getline(lines, line);) {
    const bool value = line.starts_with('#') && line.size() > 1 && line[1] != ' ';
    toml += (value ? line.substr(1) : line) + "\n";
  }
  const auto config = parse_config(toml, "slopnd.toml.example");
  REQUIRE(config);
  const auto change = diff_live(Config{}, *config);
  CHECK(change.live.empty());
  CHECK(change.needs_restart.empty());
}

TEST_CASE("docs: the example profile is valid", "[unit][config]")
{
  const auto profile = parse_profile(test::content_of(kSource / "packaging/examples/profile.toml"),
                                     "profile.toml", FileReferences::allowed);
  CHECK(profile);
}
