#pragma once

#include <catch2/catch_tostring.hpp>
#include <concepts>
#include <string>

#include "libtunnel/base/result.hpp"

/// Lets `REQUIRE(result)` show the error. Without it Catch2 takes Boost's `operator<<`, which needs
/// one for the value too.
template <class T, class E>
requires std::derived_from<E, slopn::Error>
struct Catch::StringMaker<boost::system::result<T, E>> {
  static std::string convert(const boost::system::result<T, E>& result)
  {
    return result ? "a value" : result.error().message();
  }
};
