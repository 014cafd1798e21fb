// The values of the three CONNECT-IP capsules: what is accepted must be written and read again.

#include <cstddef>
#include <cstdint>

#include "libtunnel/core/wire/connect_ip.hpp"
#include "libtunnel/core/wire/varint.hpp"
#include "tests/fuzz/must.hpp"

namespace {

using namespace slopn;

// Without the type and the length.
ByteView value_of(const ByteVector& capsule)
{
  ByteView rest = capsule;
  fuzz::must(wire::read_varint(rest).has_value());
  const auto length = wire::read_varint(rest);
  fuzz::must(length == rest.size());
  return rest;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView value = view(data, size);
  if (const auto assigned = wire::parse_address_assign(value)) {
    ByteVector out;
    wire::append_address_assign(out, *assigned);
    fuzz::must(*wire::parse_address_assign(value_of(out)) == *assigned);
  }
  if (const auto requested = wire::parse_address_request(value)) {
    fuzz::must(!requested->empty());
    ByteVector out;
    wire::append_address_request(out, *requested);
    fuzz::must(*wire::parse_address_request(value_of(out)) == *requested);
  }
  if (const auto routes = wire::parse_route_advertisement(value)) {
    ByteVector out;
    wire::append_route_advertisement(out, *routes);
    fuzz::must(*wire::parse_route_advertisement(value_of(out)) == *routes);
    ByteVector sorted;
    wire::append_route_advertisement(sorted, wire::normalized(*routes));
    fuzz::must(wire::parse_route_advertisement(value_of(sorted)).has_value());
  }
  return 0;
}
