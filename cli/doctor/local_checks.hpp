#pragma once

#include <vector>

#include "cli/console.hpp"
#include "slopn/control/v1/control.pb.h"

namespace slopn::cli {

/// What slopnctl can find out without slopnd, for a host on which none answers. This is the one
/// place where such checks are called; slopnd adds its own with Diagnose.
[[nodiscard]] std::vector<v1::Finding> local_findings(const Console& console);

/// The first finding when slopnd does not answer.
[[nodiscard]] v1::Finding unreachable_finding(const Failure& failure);

}  // namespace slopn::cli
