#include "libtunnel/base/build_info.hpp"

#include <ngtcp2/ngtcp2.h>

#include <catch2/catch_test_macros.hpp>
#include <string>

using slopn::build_info;

TEST_CASE("build info: names the version and the libraries", "[unit][build]")
{
  const slopn::BuildInfo& info = build_info();
  CHECK_FALSE(info.version.empty());
  CHECK_FALSE(info.tls_version.empty());
  CHECK(info.ngtcp2_version == ngtcp2_version(0)->version_str);
}

TEST_CASE("build info: each dependency has a version, a SHA-256 and a suite", "[unit][build]")
{
  std::string_view rest = build_info().dependencies;
  while (!rest.empty()) {
    const std::string line{rest.substr(0, rest.find('\n'))};
    rest.remove_prefix(line.size() + 1);
    CAPTURE(line);
    const auto first = line.find(' ');
    const auto second = line.find(' ', first + 1);
    const auto third = line.find(' ', second + 1);
    REQUIRE(third != std::string::npos);
    CHECK(line.find_first_not_of("0123456789abcdef", second + 1) == third);
    CHECK(third - second - 1 == 64);
    CHECK(line.find("://") == std::string::npos);
  }
}
