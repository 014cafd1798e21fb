#pragma once

#include <cstdlib>

namespace slopn::fuzz {

/// What holds for every input. Not an assert: it must work in every kind of build.
inline void must(bool holds)
{
  if (!holds) std::abort();
}

}  // namespace slopn::fuzz
