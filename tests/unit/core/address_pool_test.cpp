#include "libtunnel/core/address_pool.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>
#include <set>

#include "tests/support/catch_result.hpp"
#include "tests/support/hex.hpp"

namespace slopn {
namespace {

using test::ip;
using test::prefix;

AddressPool pool_of(std::initializer_list<const char*> prefixes)
{
  std::vector<IpPrefix> parsed;
  for (const char* text : prefixes) parsed.push_back(prefix(text));
  auto pool = AddressPool::make(parsed);
  REQUIRE(pool);
  return std::move(*pool);
}

bool exhausted(const Result<IpAddress>& leased)
{
  return !leased && leased.error().code == make_error_code(Errc::pool_exhausted);
}

}  // namespace

TEST_CASE("pool: the gateway has the first host of each family", "[unit][pool]")
{
  const AddressPool pool = pool_of({"10.8.0.0/24", "10.9.0.0/24", "fd00:8::/64"});
  CHECK(pool.gateway_address(IpVersion::v4) == IpInterfaceAddress{ip("10.8.0.1"), 24});
  CHECK(pool.gateway_address(IpVersion::v6) == IpInterfaceAddress{ip("fd00:8::1"), 64});
  CHECK(pool.prefixes() ==
        std::vector{prefix("10.8.0.0/24"), prefix("10.9.0.0/24"), prefix("fd00:8::/64")});
  CHECK_FALSE(AddressPool{}.gateway_address(IpVersion::v4));
}

TEST_CASE("pool: gives out addresses in order", "[unit][pool]")
{
  AddressPool pool = pool_of({"10.8.0.0/24", "fd00:8::/64"});
  CHECK(*pool.lease("a", IpVersion::v4) == ip("10.8.0.2"));
  CHECK(*pool.lease("b", IpVersion::v4) == ip("10.8.0.3"));
  CHECK(*pool.lease("a", IpVersion::v6) == ip("fd00:8::2"));
  CHECK(pool.leased(IpVersion::v4) == 2);
  CHECK(pool.leased(IpVersion::v6) == 1);
}

TEST_CASE("pool: never gives out network, gateway and broadcast address", "[unit][pool]")
{
  AddressPool pool = pool_of({"10.8.0.0/29", "10.9.0.0/30"});
  std::set<IpAddress> given;
  for (;;) {
    const auto leased = pool.lease_anonymous(IpVersion::v4);
    if (!leased) break;
    CHECK(given.insert(*leased).second);
  }
  CHECK(given == std::set{ip("10.8.0.2"), ip("10.8.0.3"), ip("10.8.0.4"), ip("10.8.0.5"),
                          ip("10.8.0.6"), ip("10.9.0.1"), ip("10.9.0.2")});
}

TEST_CASE("pool: short prefixes have no addresses to spare", "[unit][pool]")
{
  AddressPool pair = pool_of({"10.8.0.0/31"});
  CHECK(pair.gateway_address(IpVersion::v4)->address == ip("10.8.0.0"));
  CHECK(*pair.lease("a", IpVersion::v4) == ip("10.8.0.1"));
  CHECK(exhausted(pair.lease("b", IpVersion::v4)));

  AddressPool single = pool_of({"fd00::5/128", "fd00::8/127"});
  CHECK(single.gateway_address(IpVersion::v6)->address == ip("fd00::5"));
  CHECK(*single.lease("a", IpVersion::v6) == ip("fd00::8"));
  CHECK(*single.lease("b", IpVersion::v6) == ip("fd00::9"));
  CHECK(exhausted(single.lease("c", IpVersion::v6)));
}

TEST_CASE("pool: the last address of a family can be leased", "[unit][pool]")
{
  AddressPool pool = pool_of({"223.255.255.252/30"});
  CHECK(*pool.lease("a", IpVersion::v4) == ip("223.255.255.254"));
  CHECK(exhausted(pool.lease("b", IpVersion::v4)));
}

TEST_CASE("pool: a client gets its address again", "[unit][pool]")
{
  AddressPool pool = pool_of({"10.8.0.0/24"});
  const IpAddress first = *pool.lease("laptop", IpVersion::v4);
  pool.release(first);
  CHECK(*pool.lease("phone", IpVersion::v4) != first);
  CHECK(*pool.lease("laptop", IpVersion::v4) == first);
}

TEST_CASE("pool: leases of one client are counted", "[unit][pool]")
{
  AddressPool pool = pool_of({"10.8.0.0/30"});
  const IpAddress address = *pool.lease("laptop", IpVersion::v4);
  CHECK(*pool.lease("laptop", IpVersion::v4) ==
        address);  // a second session, before the first ended
  CHECK(pool.leased(IpVersion::v4) == 1);
  pool.release(address);
  CHECK(exhausted(pool.lease("phone", IpVersion::v4)));
  pool.release(address);
  CHECK(*pool.lease("phone", IpVersion::v4) == address);
}

TEST_CASE("pool: takes the longest idle address when nothing else is left", "[unit][pool]")
{
  AddressPool pool = pool_of({"10.8.0.0/29"});  // five clients
  std::vector<IpAddress> addresses;
  for (const char* client : {"a", "b", "c", "d", "e"})
    addresses.push_back(*pool.lease(client, IpVersion::v4));
  CHECK(exhausted(pool.lease("f", IpVersion::v4)));

  pool.release(addresses[3]);  // d
  pool.release(addresses[1]);  // b
  CHECK(*pool.lease("f", IpVersion::v4) == addresses[3]);
  CHECK(*pool.lease("b", IpVersion::v4) == addresses[1]);  // still kept for b
  CHECK(exhausted(pool.lease("d", IpVersion::v4)));        // lost it
}

TEST_CASE("pool: prefers what is kept for nobody", "[unit][pool]")
{
  AddressPool pool = pool_of({"10.8.0.0/29"});
  const IpAddress kept = *pool.lease("laptop", IpVersion::v4);
  pool.release(kept);
  for (int i = 0; i < 4; ++i) CHECK(*pool.lease_anonymous(IpVersion::v4) != kept);
  CHECK(*pool.lease_anonymous(IpVersion::v4) == kept);
}

TEST_CASE("pool: an anonymous address is anybody's after its release", "[unit][pool]")
{
  AddressPool pool = pool_of({"10.8.0.0/30"});
  const IpAddress address = *pool.lease_anonymous(IpVersion::v4);
  CHECK(exhausted(pool.lease_anonymous(IpVersion::v4)));
  pool.release(address);
  CHECK(pool.leased(IpVersion::v4) == 0);
  CHECK(*pool.lease("laptop", IpVersion::v4) == address);
}

TEST_CASE("pool: anonymous visitors do not use a huge pool up", "[unit][pool]")
{
  AddressPool pool = pool_of({"fd00::/64"});
  std::set<IpAddress> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto address = pool.lease_anonymous(IpVersion::v6);
    REQUIRE(address);
    seen.insert(*address);
    pool.release(*address);
  }
  CHECK(seen.size() == 1);
}

TEST_CASE("pool: ignores a release of what nobody has", "[unit][pool]")
{
  AddressPool pool = pool_of({"10.8.0.0/24"});
  pool.release(ip("10.8.0.77"));
  pool.release(ip("fd00::1"));
  const IpAddress address = *pool.lease("a", IpVersion::v4);
  pool.release(address);
  pool.release(address);
  CHECK(pool.leased(IpVersion::v4) == 0);
  CHECK(*pool.lease("a", IpVersion::v4) == address);
  CHECK(pool.leased(IpVersion::v4) == 1);
}

TEST_CASE("pool: without a prefix of the family there is nothing to lease", "[unit][pool]")
{
  AddressPool pool = pool_of({"10.8.0.0/24"});
  CHECK(exhausted(pool.lease("a", IpVersion::v6)));
  CHECK(exhausted(AddressPool{}.lease_anonymous(IpVersion::v4)));
}

TEST_CASE("pool: a client must have a name", "[unit][pool]")
{
  AddressPool pool = pool_of({"10.8.0.0/24"});
  CHECK(pool.lease("", IpVersion::v4).error().code == make_error_code(Errc::invalid_argument));
}

TEST_CASE("pool: refuses prefixes that overlap", "[unit][pool]")
{
  CHECK_FALSE(AddressPool::make({prefix("10.0.0.0/8"), prefix("10.8.0.0/24")}));
  CHECK_FALSE(AddressPool::make({prefix("10.8.0.0/24"), prefix("10.0.0.0/8")}));
  CHECK_FALSE(AddressPool::make({prefix("fd00::/64"), prefix("fd00::/64")}));
}

TEST_CASE("pool: refuses prefixes that are not for hosts", "[unit][pool]")
{
  const auto* text =
      GENERATE("0.0.0.0/0", "0.0.0.0/24", "127.0.0.0/24", "169.254.1.0/24", "224.0.0.0/8",
               "240.0.0.0/8", "::/0", "::/64", "fe80::/64", "ff00::/16");
  const auto pool = AddressPool::make({prefix(text)});
  REQUIRE_FALSE(pool);
  CHECK(pool.error().code == make_error_code(Errc::invalid_argument));
}

TEST_CASE("pool: remembers reservations over a restart", "[unit][pool]")
{
  AddressPool before = pool_of({"10.8.0.0/24", "fd00:8::/64"});
  const IpAddress laptop = *before.lease("laptop", IpVersion::v4);
  const IpAddress laptop6 = *before.lease("laptop", IpVersion::v6);
  const IpAddress phone = *before.lease("phone", IpVersion::v4);
  (void)before.lease_anonymous(IpVersion::v4);
  before.release(laptop);

  AddressPool after = pool_of({"10.8.0.0/24", "fd00:8::/64"});
  CHECK(after.restore(before.snapshot()) == 3);
  CHECK(after.leased(IpVersion::v4) == 0);
  CHECK(*after.lease("newcomer", IpVersion::v4) == ip("10.8.0.4"));
  CHECK(*after.lease("phone", IpVersion::v4) == phone);
  CHECK(*after.lease("laptop", IpVersion::v4) == laptop);
  CHECK(*after.lease("laptop", IpVersion::v6) == laptop6);
}

TEST_CASE("pool: a snapshot keeps who was idle longest", "[unit][pool]")
{
  AddressPool before = pool_of({"10.8.0.0/29"});
  std::vector<IpAddress> addresses;
  for (const char* client : {"a", "b", "c", "d", "e"})
    addresses.push_back(*before.lease(client, IpVersion::v4));
  for (const int i : {2, 0, 4, 1}) before.release(addresses[static_cast<std::size_t>(i)]);

  AddressPool after = pool_of({"10.8.0.0/29"});
  CHECK(after.restore(before.snapshot()) == 5);
  for (const int i : {2, 0, 4, 1, 3})
    CHECK(*after.lease_anonymous(IpVersion::v4) == addresses[static_cast<std::size_t>(i)]);
}

TEST_CASE("pool: leaves out reservations that no longer fit", "[unit][pool]")
{
  AddressPool pool = pool_of({"10.8.0.0/24"});
  CHECK(pool.restore({{"a", ip("10.9.0.2")},      // another prefix
                      {"b", ip("10.8.0.1")},      // the gateway's
                      {"c", ip("10.8.0.0")},      // the network's
                      {"d", ip("10.8.0.255")},    // broadcast
                      {"e", ip("fd00::2")},       // no such family
                      {"", ip("10.8.0.9")},       // nobody
                      {"f", ip("10.8.0.7")},      // this one is fine
                      {"g", ip("10.8.0.7")},      // taken
                      {"f", ip("10.8.0.8")}}) ==  // has one
        1);
  CHECK(*pool.lease("f", IpVersion::v4) == ip("10.8.0.7"));
}

TEST_CASE("pool: no address has two clients, whatever happens", "[unit][pool]")
{
  std::mt19937_64 random{6};
  AddressPool pool = pool_of({"10.8.0.0/28", "10.9.0.0/29"});  // 13 + 6 addresses
  std::map<std::string, std::pair<IpAddress, int>> held;       // client: address, leases
  std::vector<IpAddress> anonymous;
  const auto taken = [&](const IpAddress& address) {
    return std::ranges::count(anonymous, address) +
           std::ranges::count_if(held,
                                 [&](const auto& one) { return one.second.first == address; });
  };
  for (int step = 0; step < 20'000; ++step) {
    const std::string client = "client" + std::to_string(random() % 30);
    switch (random() % 4) {
      case 0: {
        const auto leased = pool.lease(client, IpVersion::v4);
        if (!leased) {
          REQUIRE(held.size() + anonymous.size() == 19);
          break;
        }
        auto& entry = held[client];
        REQUIRE((entry.second == 0 || entry.first == *leased));
        entry = {*leased, entry.second + 1};
        REQUIRE(taken(*leased) == 1);
        break;
      }
      case 1:
        if (const auto at = held.find(client); at != held.end()) {
          pool.release(at->second.first);
          if (--at->second.second == 0) held.erase(at);
        }
        break;
      case 2:
        if (const auto leased = pool.lease_anonymous(IpVersion::v4)) {
          REQUIRE(taken(*leased) == 0);
          anonymous.push_back(*leased);
        } else {
          REQUIRE(held.size() + anonymous.size() == 19);
        }
        break;
      default:
        if (!anonymous.empty()) {
          pool.release(anonymous.back());
          anonymous.pop_back();
        }
        break;
    }
    REQUIRE(pool.leased(IpVersion::v4) == held.size() + anonymous.size());
  }
}

}  // namespace slopn
