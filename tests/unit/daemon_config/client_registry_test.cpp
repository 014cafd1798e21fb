#include "daemon/config/client_registry.hpp"

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

constexpr std::chrono::sys_seconds kCreated =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + std::chrono::hours{10};

InvitedClient client(std::string name, std::uint8_t key)
{
  crypto::PublicKey::Raw raw{};
  raw[0] = key;
  return {std::move(name), crypto::PublicKey{raw}, kCreated};
}

ClientRegistry open(const TempDir& dir)
{
  auto opened = ClientRegistry::open(dir / "clients.toml");
  REQUIRE(opened);
  CHECK_FALSE(opened->damage);
  return opened->registry;
}

}  // namespace

TEST_CASE("clients: one that was added is there after a restart", "[unit][config]")
{
  const TempDir dir;
  {
    auto registry = open(dir);
    CHECK(registry.clients().empty());
    REQUIRE(registry.add(client("laptop", 1)));
    REQUIRE(registry.add(client("phone", 2)));
  }
  const auto registry = open(dir);
  REQUIRE(registry.clients().size() == 2);
  CHECK(registry.clients()[0] == client("laptop", 1));
  CHECK(test::mode_of(dir / "clients.toml") == 0600);
}

TEST_CASE("clients: a name or key is taken only once", "[unit][config]")
{
  const TempDir dir;
  auto registry = open(dir);
  REQUIRE(registry.add(client("laptop", 1)));
  CHECK(registry.add(client("laptop", 2)).error().code == Errc::already_exists);
  CHECK(registry.add(client("phone", 1)).error().code == Errc::already_exists);
  CHECK(registry.add(client("a b", 3)).error().code == Errc::invalid_argument);
  CHECK(registry.clients().size() == 1);
}

TEST_CASE("clients: a removed one stays away", "[unit][config]")
{
  const TempDir dir;
  auto registry = open(dir);
  REQUIRE(registry.add(client("laptop", 1)));
  REQUIRE(registry.remove("laptop"));
  CHECK(registry.remove("laptop").error().code == Errc::not_found);
  CHECK(open(dir).clients().empty());
}

TEST_CASE("clients: a write that fails changes nothing", "[unit][config]")
{
  const TempDir dir;
  std::filesystem::create_directory(dir / "sub");
  auto opened = ClientRegistry::open(dir / "sub/clients.toml");
  REQUIRE(opened);
  std::filesystem::remove_all(dir / "sub");
  CHECK_FALSE(opened->registry.add(client("laptop", 1)));
  CHECK(opened->registry.clients().empty());
}

TEST_CASE("clients: a file cut off anywhere lets nobody in and is kept", "[unit][config]")
{
  const auto whole = format_clients({client("laptop", 1), client("phone", 2)});
  for (std::size_t length = 0; length < whole.size() - 1; ++length) {
    const auto clients = parse_clients(std::string_view{whole}.substr(0, length));
    CAPTURE(length);
    REQUIRE_FALSE(clients);
    CHECK(clients.error().code == Errc::data_corrupt);
  }
  const TempDir dir;
  test::write(dir / "clients.toml", whole.substr(0, whole.size() / 2));
  const auto opened = ClientRegistry::open(dir / "clients.toml");
  REQUIRE(opened);
  CHECK(opened->registry.clients().empty());
  REQUIRE(opened->damage);
  CHECK(opened->damage->code == Errc::data_corrupt);
  CHECK_THAT(opened->damage->context,
             ContainsSubstring("clients.toml.damaged-1") && ContainsSubstring("invited again"));
  CHECK(test::content_of(dir / "clients.toml.damaged-1") == whole.substr(0, whole.size() / 2));
}

TEST_CASE("clients: after damage the registry works again", "[unit][config]")
{
  const TempDir dir;
  test::write(dir / "clients.toml", "garbage");
  auto opened = ClientRegistry::open(dir / "clients.toml");
  REQUIRE(opened);
  REQUIRE(opened->damage);
  REQUIRE(opened->registry.add(client("laptop", 1)));
  CHECK(open(dir).clients().size() == 1);
}

TEST_CASE("clients: refuses a file that is not ours", "[unit][config]")
{
  const std::string head = "format = 1\ncount = 1\n[[client]]\nname = \"a\"\n";
  const std::string key = "public_key = \"ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"\n";
  const std::string time = "created = \"2026-11-21T10:00:00Z\"\n";
  CHECK(parse_clients(head + key + time));
  const auto text = GENERATE_COPY(
      std::string{}, std::string{"format = 2\ncount = 0\n"}, std::string{"format = 1\n"},
      std::string{"count = 0\n"}, std::string{"format = 1\ncount = 0\nclient = 1\n"}, head,
      head + key, head + time, head + key + "created = \"2026-13-21T10:00:00Z\"\n",
      head + key + "created = \"2026-11-21T24:00:00Z\"\n", head + key + "created = \"now\"\n",
      head + key + "created = 2026-11-21\n", head + key + time + "extra = 1\n",
      head + key + time + "[[client]]\nname = \"b\"\n" + key + time,
      head + "public_key = \"x\"\n" + time, std::string(100000, '['));
  CAPTURE(text.substr(0, 300));
  const auto clients = parse_clients(text);
  REQUIRE_FALSE(clients);
  CHECK(clients.error().code == Errc::data_corrupt);
}

TEST_CASE("clients: a doubled client is damage", "[unit][config]")
{
  CHECK_FALSE(parse_clients(format_clients({client("a", 1), client("a", 2)})));
  CHECK_FALSE(parse_clients(format_clients({client("a", 1), client("b", 1)})));
  CHECK(parse_clients(format_clients({client("a", 1), client("b", 2)})));
}
