#include "platform/linux/link.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace slopn::platform {

TEST_CASE("link: interface names are harmless text", "[unit][platform]")
{
  for (const char* good : {"slopn0", "eth0.100", "wg-home", "br_lan", "0", "fifteen-letters"})
    CHECK(valid_interface_name(good));
  for (const char* bad : {"", ".", "..", "-x", "a b", "a\"b", "a/b", "a\nb", "a;b", "a{b", "a$b",
                          "sixteen-letters-", "\xc3\xa4"})
    CHECK_FALSE(valid_interface_name(bad));
  CHECK_FALSE(valid_interface_name(std::string("a\0b", 3)));
}

}  // namespace slopn::platform
