#include "daemon/config/lease_store.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "libtunnel/base/crc32.hpp"
#include "temp_dir.hpp"
#include "tests/support/catch_result.hpp"

using namespace slopn;
using namespace slopn::config;
using Catch::Matchers::ContainsSubstring;
using test::TempDir;

namespace {

Reservations example()
{
  return {{"ed25519:a", IpAddress::parse("10.86.0.2").value()},
          {"ed25519:a", IpAddress::parse("fd86:736c:6f70::2").value()},
          {"sha256:b", IpAddress::parse("10.86.0.3").value()}};
}

}  // namespace

TEST_CASE("leases: what was saved is loaded in the same order", "[unit][config]")
{
  const TempDir dir;
  const LeaseStore store{dir / "leases"};
  REQUIRE(store.save(example()));
  const auto loaded = store.load();
  REQUIRE(loaded);
  CHECK_FALSE(loaded->damage);
  CHECK(loaded->reservations == example());
  CHECK(test::mode_of(dir / "leases") == 0600);
}

TEST_CASE("leases: no file means no leases", "[unit][config]")
{
  const TempDir dir;
  const auto loaded = LeaseStore{dir / "leases"}.load();
  REQUIRE(loaded);
  CHECK(loaded->reservations.empty());
  CHECK_FALSE(loaded->damage);
}

TEST_CASE("leases: the file has the documented form", "[unit][config]")
{
  CHECK(format_leases({}) == "slopn-leases 1\nend 0 67a4ada5\n");
  CHECK(parse_leases(format_leases({})));
}

TEST_CASE("leases: an address pool remembers its clients over a restart", "[unit][config]")
{
  const std::vector<IpPrefix> pools{IpPrefix::parse("10.86.0.0/16").value()};
  auto before = AddressPool::make(pools);
  REQUIRE(before);
  (void)before->lease("ed25519:other", IpVersion::v4);
  const auto address = before->lease("ed25519:a", IpVersion::v4);
  const auto stored = parse_leases(format_leases(before->snapshot()));
  REQUIRE(stored);
  auto after = AddressPool::make(pools);
  REQUIRE(after);
  CHECK(after->restore(*stored) == 2);
  CHECK(*after->lease("ed25519:a", IpVersion::v4) == *address);
}

TEST_CASE("leases: a file cut off anywhere is found out", "[unit][config]")
{
  const auto whole = format_leases(example());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto leases = parse_leases(std::string_view{whole}.substr(0, length));
    CAPTURE(length);
    REQUIRE_FALSE(leases);
    CHECK(leases.error().code == Errc::data_corrupt);
  }
}

TEST_CASE("leases: any changed byte is found out", "[unit][config]")
{
  const auto whole = format_leases(example());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CAPTURE(at);
    CHECK_FALSE(parse_leases(changed));
  }
}

TEST_CASE("leases: a damaged file is set aside and all start anew", "[unit][config]")
{
  const TempDir dir;
  const auto content = GENERATE(as<std::string>{}, "", "garbage", std::string(1000, '\0'));
  test::write(dir / "leases", content);
  const LeaseStore store{dir / "leases"};
  const auto loaded = store.load();
  REQUIRE(loaded);
  CHECK(loaded->reservations.empty());
  REQUIRE(loaded->damage);
  CHECK(loaded->damage->code == Errc::data_corrupt);
  CHECK_THAT(loaded->damage->context, ContainsSubstring("leases.damaged-1"));
  CHECK(test::content_of(dir / "leases.damaged-1") == content);
  REQUIRE(store.save(example()));
  CHECK(store.load()->reservations == example());
}

TEST_CASE("leases: lines that are no leases are refused even with a good checksum",
          "[unit][config]")
{
  const auto line = GENERATE(as<std::string>{}, "a", "a b", "a 10.0.0.1 10.0.0.2", " 10.0.0.1",
                             "a  10.0.0.1", "a 10.0.0.1 ", "a\t10.0.0.1", "", "\x01 10.0.0.1");
  const std::string above = "slopn-leases 1\n" + line + "\n";
  std::array<char, 9> crc{};
  std::snprintf(crc.data(), crc.size(), "%08x", crc32(as_bytes(above)));
  CAPTURE(line);
  CHECK_FALSE(parse_leases(above + "end 1 " + crc.data() + "\n"));
}

TEST_CASE("leases: a client name that would break the file is left out", "[unit][config]")
{
  auto reservations = example();
  reservations.push_back({"two words", IpAddress::parse("10.86.0.9").value()});
  reservations.push_back({"a\nb", IpAddress::parse("10.86.0.8").value()});
  reservations.push_back({"end", IpAddress::parse("10.86.0.6").value()});
  reservations.push_back({"", IpAddress::parse("10.86.0.7").value()});
  const auto leases = parse_leases(format_leases(reservations));
  REQUIRE(leases);
  CHECK(*leases == example());
}
