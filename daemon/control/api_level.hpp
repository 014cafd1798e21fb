#pragma once

#include <cstdint>

namespace slopn::control {

/// Grows by one with every addition to the API; docs/api-compatibility.md.
inline constexpr std::uint32_t kApiLevel = 3;

}  // namespace slopn::control
