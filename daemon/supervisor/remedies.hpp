#pragma once

#include "daemon/model.hpp"

namespace slopn::daemon {

/// What kind of trouble `error` is. What the operating system says of sockets is the network's; all
/// else it says is the system's.
[[nodiscard]] ErrorClass class_of(const Error& error);

/// What a person can do about `error`, as one sentence or two; empty when there is nothing to say.
[[nodiscard]] std::string remedy_for(const Error& error);

/// `error` with both.
[[nodiscard]] Problem to_problem(const Error& error);

}  // namespace slopn::daemon
