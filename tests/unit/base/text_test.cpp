#include "libtunnel/base/text.hpp"

#include <catch2/catch_test_macros.hpp>

using slopn::printable;

TEST_CASE("text: what is harmless stays as it is", "[unit][base]")
{
  CHECK(printable("") == "");
  CHECK(printable("vpn.example.org:443") == "vpn.example.org:443");
  CHECK(printable("B\u00fcro \u6771\u4eac \U0001F512") == "B\u00fcro \u6771\u4eac \U0001F512");
}

TEST_CASE("text: control characters of every kind are replaced", "[unit][base]")
{
  CHECK(printable("a\x1b[31mb") == "a\uFFFD[31mb");
  CHECK(printable("one\ntwo\r\t\x7f") == "one\uFFFDtwo\uFFFD\uFFFD\uFFFD");
  CHECK(printable("\xc2\x9b") == "\uFFFD");      // CSI as one C1 character
  CHECK(printable("\u202Egnp") == "\uFFFDgnp");  // right to left from here
  CHECK(printable("\u2066x\u2069") == "\uFFFDx\uFFFD");
  CHECK(printable(std::string_view{"\0x", 2}) == "\uFFFDx");
}

TEST_CASE("text: what is not UTF-8 is replaced byte by byte", "[unit][base]")
{
  CHECK(printable("\xff") == "\uFFFD");
  CHECK(printable("a\x80z") == "a\uFFFDz");
  CHECK(printable("\xe2\x82") == "\uFFFD\uFFFD");  // cut off
  CHECK(printable("\xc0\xaf") == "\uFFFD\uFFFD");  // overlong slash
  CHECK(printable("\xe0\x80\xaf") == "\uFFFD\uFFFD\uFFFD");
  CHECK(printable("\xed\xa0\x80") == "\uFFFD\uFFFD\uFFFD");  // surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD");
}
