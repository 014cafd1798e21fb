#pragma once

#include <string>

#include "libtunnel/base/result.hpp"

namespace slopn::daemon {

/// What a person can do about `error`, as one sentence; empty when there is nothing to say.
[[nodiscard]] std::string remedy_for(const Error& error);

}  // namespace slopn::daemon
