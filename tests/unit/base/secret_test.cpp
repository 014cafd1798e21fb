#include "libtunnel/base/secret.hpp"

#include <catch2/catch_test_macros.hpp>
#include <sstream>
#include <string>

namespace slopn {

TEST_CASE("secret: does not print itself", "[unit][base]")
{
  const Secret<std::string> secret{"hunter2"};
  std::ostringstream out;
  out << secret;
  CHECK(out.str() == "<redacted>");
  CHECK(secret.reveal() == "hunter2");
}

}  // namespace slopn
