#pragma once

#include <string>

#include "tests/bench/fleet/fleet.hpp"

namespace slopn::fleet {

/// For people: a line for each figure.
[[nodiscard]] std::string to_text(const Figures& figures);

/// One JSON object.
[[nodiscard]] std::string to_json(const Figures& figures);

}  // namespace slopn::fleet
