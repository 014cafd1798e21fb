#pragma once

#include <chrono>

namespace slopn {

/// The clock of everything that decides: steady, so a changed wall clock means nothing to it.
/// Code below `libtunnel/io` never reads it; instants come in as arguments.
using Clock = std::chrono::steady_clock;

}  // namespace slopn
