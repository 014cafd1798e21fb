#include "daemon/config/profile_store.hpp"

#include <sys/stat.h>

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

Profile make_profile(std::string name)
{
  Profile profile{.name = std::move(name),
                  .gateways = {{"vpn.example.org", 443}},
                  .server_name = {},
                  .trust = CertificateAuthority{},
                  .auth = NoAuth{},
                  .routes = {},
                  .max_mtu_bytes = {},
                  .keep_alive = {}};
  return profile;
}

ProfileStore open(const TempDir& dir)
{
  auto store = ProfileStore::open(dir / "profiles");
  REQUIRE(store);
  return *store;
}

}  // namespace

TEST_CASE("profiles: a saved one is loaded and listed", "[unit][config]")
{
  const TempDir dir;
  const auto store = open(dir);
  REQUIRE(store.save(make_profile("work"), Existing::keep));
  REQUIRE(store.save(make_profile("home"), Existing::keep));
  const auto profile = store.load("home");
  REQUIRE(profile);
  CHECK(profile->gateways[0].host == "vpn.example.org");
  const auto list = store.list();
  REQUIRE(list);
  REQUIRE(list->size() == 2);
  CHECK((*list)[0].name == "home");
  CHECK((*list)[1].name == "work");
}

TEST_CASE("profiles: nobody else can read them", "[unit][config]")
{
  const TempDir dir;
  const auto store = open(dir);
  REQUIRE(store.save(make_profile("home"), Existing::keep));
  CHECK(test::mode_of(store.dir()) == 0700);
  CHECK(test::mode_of(store.dir() / "home.toml") == 0600);
}

TEST_CASE("profiles: an existing one is replaced only on request", "[unit][config]")
{
  const TempDir dir;
  const auto store = open(dir);
  REQUIRE(store.save(make_profile("home"), Existing::keep));
  auto other = make_profile("home");
  other.gateways[0].port = 4242;
  CHECK(store.save(other, Existing::keep).error().code == Errc::already_exists);
  CHECK(store.load("home")->gateways[0].port == 443);
  REQUIRE(store.save(other, Existing::replace));
  CHECK(store.load("home")->gateways[0].port == 4242);
}

TEST_CASE("profiles: a missing one is not found", "[unit][config]")
{
  const TempDir dir;
  const auto store = open(dir);
  CHECK(store.load("none").error().code == Errc::not_found);
  CHECK(store.remove("none").error().code == Errc::not_found);
}

TEST_CASE("profiles: a removed one is gone", "[unit][config]")
{
  const TempDir dir;
  const auto store = open(dir);
  REQUIRE(store.save(make_profile("home"), Existing::keep));
  REQUIRE(store.remove("home"));
  CHECK(store.list()->empty());
}

TEST_CASE("profiles: names cannot leave the folder", "[unit][config]")
{
  const TempDir dir;
  const auto store = open(dir);
  test::write(dir / "secret.toml", "x");
  const auto name = GENERATE(as<std::string>{}, "../secret", "", ".", "..", "/etc/passwd", "a/b");
  CHECK(store.load(name).error().code == Errc::invalid_argument);
  CHECK(store.remove(name).error().code == Errc::invalid_argument);
  CHECK(store.save(make_profile(name), Existing::replace).error().code == Errc::invalid_argument);
  CHECK(std::filesystem::exists(dir / "secret.toml"));
}

TEST_CASE("profiles: a damaged one does not hide the others", "[unit][config]")
{
  const TempDir dir;
  const auto store = open(dir);
  REQUIRE(store.save(make_profile("home"), Existing::keep));
  const auto damage =
      GENERATE(as<std::string>{}, "", "gateway = \"vpn.exa", "\x00\xff garbage", "gatewy = 1\n");
  test::write(store.dir() / "bad.toml", damage);
  const auto list = store.list();
  REQUIRE(list);
  REQUIRE(list->size() == 2);
  CHECK((*list)[0].name == "bad");
  REQUIRE_FALSE((*list)[0].profile);
  CHECK_THAT((*list)[0].profile.error().context, ContainsSubstring("bad.toml"));
  CHECK((*list)[1].profile);
  CHECK(store.remove("bad"));
}

TEST_CASE("profiles: files that are none are passed over", "[unit][config]")
{
  const TempDir dir;
  const auto store = open(dir);
  test::write(store.dir() / ".home.toml.tmp", "x");
  test::write(store.dir() / ".home.toml", "x");
  test::write(store.dir() / "README", "x");
  test::write(store.dir() / "a b.toml", "x");
  CHECK(store.list()->empty());
}

TEST_CASE("profiles: one that everyone may write to is refused", "[unit][config]")
{
  const TempDir dir;
  const auto store = open(dir);
  REQUIRE(store.save(make_profile("home"), Existing::keep));
  REQUIRE(::chmod((store.dir() / "home.toml").c_str(), 0666) == 0);
  CHECK(store.load("home").error().code == Errc::platform_denied);
}

TEST_CASE("profiles: the file's name decides what a profile is called", "[unit][config]")
{
  const TempDir dir;
  const auto store = open(dir);
  REQUIRE(store.save(make_profile("home"), Existing::keep));
  std::filesystem::copy_file(store.dir() / "home.toml", store.dir() / "copy.toml");
  CHECK(store.load("copy")->name == "copy");
}
