#include "libtunnel/core/access_list.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/catch_result.hpp"

namespace slopn {
namespace {

ClientKey key(ClientKeyKind kind, unsigned char fill)
{
  ClientKey made;
  made.kind = kind;
  made.bytes.fill(fill);
  return made;
}

}  // namespace

TEST_CASE("access: finds the name of a key", "[unit][access]")
{
  const auto list = AccessList::make({{"laptop", key(ClientKeyKind::ed25519, 1)},
                                      {"phone", key(ClientKeyKind::ed25519, 2)},
                                      {"laptop", key(ClientKeyKind::certificate_spki, 3)}});
  REQUIRE(list);
  CHECK(list->size() == 3);
  REQUIRE(list->find(key(ClientKeyKind::ed25519, 2)) != nullptr);
  CHECK(*list->find(key(ClientKeyKind::ed25519, 2)) == "phone");
  CHECK(*list->find(key(ClientKeyKind::certificate_spki, 3)) == "laptop");
}

TEST_CASE("access: knows nobody it was not told about", "[unit][access]")
{
  const auto list = AccessList::make({{"laptop", key(ClientKeyKind::ed25519, 1)}});
  REQUIRE(list);
  CHECK(list->find(key(ClientKeyKind::ed25519, 2)) == nullptr);
  CHECK(AccessList{}.find(key(ClientKeyKind::ed25519, 0)) == nullptr);
}

TEST_CASE("access: the same bytes as another kind of key are another key", "[unit][access]")
{
  const auto list = AccessList::make({{"laptop", key(ClientKeyKind::ed25519, 1)}});
  REQUIRE(list);
  CHECK(list->find(key(ClientKeyKind::certificate_spki, 1)) == nullptr);
}

TEST_CASE("access: refuses a key that belongs to two", "[unit][access]")
{
  const auto list = AccessList::make(
      {{"laptop", key(ClientKeyKind::ed25519, 1)}, {"phone", key(ClientKeyKind::ed25519, 1)}});
  REQUIRE_FALSE(list);
  CHECK(list.error().code == make_error_code(Errc::already_exists));
  CHECK(list.error().context.find("laptop") != std::string::npos);
  CHECK(list.error().context.find("phone") != std::string::npos);
}

TEST_CASE("access: refuses a client without a name", "[unit][access]")
{
  const auto list = AccessList::make({{"", key(ClientKeyKind::ed25519, 1)}});
  REQUIRE_FALSE(list);
  CHECK(list.error().code == make_error_code(Errc::invalid_argument));
}

TEST_CASE("access: a key has 32 bytes", "[unit][access]")
{
  CHECK(ClientKey::make(ClientKeyKind::ed25519, ByteVector(32)));
  CHECK_FALSE(ClientKey::make(ClientKeyKind::ed25519, ByteVector(31)));
  CHECK_FALSE(ClientKey::make(ClientKeyKind::ed25519, ByteVector(33)));
  CHECK_FALSE(ClientKey::make(ClientKeyKind::ed25519, {}));
}

}  // namespace slopn
