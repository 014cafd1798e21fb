#pragma once

#include "cli/format/json.hpp"

namespace slopn::cli {

/// A repeated field as an array.
template <class Repeated>
[[nodiscard]] Json list(const Repeated& values)
{
  Json out = Json::array();
  for (const auto& value : values) out.push_back(value);
  return out;
}

}  // namespace slopn::cli
