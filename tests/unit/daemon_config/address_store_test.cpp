#include "daemon/config/address_store.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <fstream>

#include "tests/support/catch_result.hpp"
#include "tests/support/temporary_dir.hpp"

using namespace slopn;
using namespace slopn::config;

namespace {

const KnownAddresses kSome{
    {"a.example.org", {*IpAddress::parse("192.0.2.1"), *IpAddress::parse("2001:db8::1")}},
    {"b.example.org", {*IpAddress::parse("192.0.2.2")}}};

}  // namespace

TEST_CASE("gateway addresses: what is kept is read back", "[unit][config]")
{
  const test::TemporaryDir folder;
  const AddressStore store{folder / "gateway-addresses"};
  REQUIRE(store.load());
  CHECK(store.load()->addresses.empty());
  REQUIRE(store.save(kSome));
  CHECK(store.load()->addresses == kSome);
  CHECK_FALSE(store.load()->damage);
}

TEST_CASE("gateway addresses: a damaged file is set aside", "[unit][config]")
{
  const test::TemporaryDir folder;
  const AddressStore store{folder / "gateway-addresses"};
  std::ofstream{folder / "gateway-addresses"} << "slopn-gateways 1\nx\n";
  const auto loaded = store.load();
  REQUIRE(loaded);
  CHECK(loaded->addresses.empty());
  REQUIRE(loaded->damage);
  CHECK(loaded->damage->code == Errc::data_corrupt);
  CHECK(std::filesystem::exists(folder / "gateway-addresses.damaged-1"));
}

TEST_CASE("gateway addresses: refuses what was not written by us", "[unit][config]")
{
  const std::string line =
      GENERATE(as<std::string>{}, "a.example.org", "a.example.org ", " 192.0.2.1",
               "192.0.2.1 192.0.2.1", "A.example.org 192.0.2.1", "a.example.org 192.0.2.1 x",
               "a b 192.0.2.1", "a.example.org 192.0.2.1\n\n");
  CAPTURE(line);
  CHECK_FALSE(parse_addresses("slopn-gateways 1\n" + line + "\n"));
  CHECK_FALSE(parse_addresses(line));
}

TEST_CASE("gateway addresses: very many are not kept", "[unit][config]")
{
  KnownAddresses many;
  for (int i = 0; i < 1000; ++i) many["n" + std::to_string(i)] = {*IpAddress::parse("192.0.2.1")};
  for (std::uint8_t i = 1; i < 100; ++i) many["n0"].push_back(IpAddress::v4({192, 0, 2, i}));
  const auto kept = parse_addresses(format_addresses(many));
  REQUIRE(kept);
  CHECK(kept->size() == AddressStore::kMaxNames);
  CHECK(kept->at("n0").size() <= AddressStore::kMaxAddresses);
}
