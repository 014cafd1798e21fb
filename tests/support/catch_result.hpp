#pragma once

#include <catch2/catch_tostring.hpp>
#include <string>

#include "libtunnel/base/result.hpp"

/// Lets `REQUIRE(result)` show the error. Without it Catch2 takes Boost's `operator<<`, which needs
/// one for the value too.
template <class T>
struct Catch::StringMaker<boost::system::result<T, slopn::Error>> {
  static std::string convert(const boost::system::result<T, slopn::Error>& result)
  {
    return result ? "a value" : result.error().message();
  }
};
