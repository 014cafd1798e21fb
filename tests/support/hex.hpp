#pragma once

#include <cassert>
#include <string>
#include <string_view>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/ip.hpp"

/// Short ways to write down bytes and addresses in tests.
namespace slopn::test {

/// "45 00 0014": spaces mean nothing.
inline ByteVector hex(std::string_view text)
{
  std::string digits;
  for (const char c : text) {
    if (c != ' ' && c != '\n') digits += c;
  }
  const auto bytes = from_hex(digits);
  assert(bytes);
  return *bytes;
}

inline IpAddress ip(std::string_view text)
{
  const auto address = IpAddress::parse(text);
  assert(address);
  return *address;
}

inline IpPrefix prefix(std::string_view text)
{
  const auto parsed = IpPrefix::parse(text);
  assert(parsed);
  return *parsed;
}

inline ByteVector concat(ByteView a, ByteView b)
{
  ByteVector both{a.begin(), a.end()};
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

}  // namespace slopn::test
