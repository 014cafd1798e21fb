#include "libtunnel/core/source_filter.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/support/hex.hpp"

namespace slopn {
namespace {

using test::ip;
using test::prefix;

wire::IpHeader packet(const char* source, const char* destination)
{
  wire::IpHeader header;
  header.version = ip(source).version();
  header.source = ip(source);
  header.destination = ip(destination);
  return header;
}

SourceFilter both_families()
{
  return SourceFilter{{prefix("10.0.0.2/32"), prefix("fd00::/64")}};
}

}  // namespace

TEST_CASE("filter: lets a client's own addresses pass", "[unit][filter]")
{
  const SourceFilter filter = both_families();
  CHECK_FALSE(filter.check_from_client(packet("10.0.0.2", "192.0.2.1")));
  CHECK_FALSE(filter.check_from_client(packet("fd00::1234", "2001:db8::1")));
}

TEST_CASE("filter: drops a foreign source", "[unit][filter]")
{
  const SourceFilter filter = both_families();
  CHECK(filter.check_from_client(packet("10.0.0.3", "192.0.2.1")) == DropReason::foreign_source);
  CHECK(filter.check_from_client(packet("fd01::1", "2001:db8::1")) == DropReason::foreign_source);
}

TEST_CASE("filter: drops everything of a family without an address", "[unit][filter]")
{
  const SourceFilter only_v4{{prefix("10.0.0.2/32")}};
  CHECK(only_v4.check_from_client(packet("fd00::1", "2001:db8::1")) == DropReason::not_assigned);
  CHECK(SourceFilter{}.check_from_client(packet("10.0.0.2", "192.0.2.1")) ==
        DropReason::not_assigned);
}

TEST_CASE("filter: drops addresses that mean nothing beyond a link", "[unit][filter]")
{
  const SourceFilter filter{{prefix("0.0.0.0/0"), prefix("::/0")}};
  const auto* local =
      GENERATE("0.0.0.0", "127.0.0.1", "169.254.0.1", "224.0.0.1", "255.255.255.255");
  CHECK(filter.check_from_client(packet(local, "192.0.2.1")) == DropReason::bad_scope);
  CHECK(filter.check_from_client(packet("192.0.2.1", local)) == DropReason::bad_scope);
  CHECK(filter.check_from_gateway(packet("192.0.2.1", local)) == DropReason::bad_scope);
  const auto* local6 = GENERATE("::", "::1", "fe80::1", "ff02::1", "ff0e::1");
  CHECK(filter.check_from_client(packet(local6, "2001:db8::1")) == DropReason::bad_scope);
  CHECK(filter.check_from_client(packet("2001:db8::1", local6)) == DropReason::bad_scope);
  CHECK(filter.check_from_gateway(packet(local6, "2001:db8::1")) == DropReason::bad_scope);
}

TEST_CASE("filter: a gateway reaches only the client's own addresses", "[unit][filter]")
{
  const SourceFilter filter = both_families();
  CHECK_FALSE(filter.check_from_gateway(packet("192.0.2.1", "10.0.0.2")));
  CHECK(filter.check_from_gateway(packet("192.0.2.1", "10.0.0.3")) ==
        DropReason::foreign_destination);
  CHECK(filter.check_from_gateway(packet("192.0.2.1", "192.168.1.1")) ==
        DropReason::foreign_destination);
}

TEST_CASE("filter: follows a new assignment", "[unit][filter]")
{
  SourceFilter filter = both_families();
  filter.assign({prefix("10.0.0.9/32")});
  CHECK(filter.check_from_client(packet("10.0.0.2", "192.0.2.1")) == DropReason::foreign_source);
  CHECK_FALSE(filter.check_from_client(packet("10.0.0.9", "192.0.2.1")));
}

}  // namespace slopn
