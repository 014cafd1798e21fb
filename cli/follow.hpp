#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "cli/daemon_link.hpp"

namespace slopn::cli {

/// What to do after a status: go on, or end with this.
using Verdict = std::optional<Outcome<ExitCode>>;

/// Reads WatchStatus and asks `judge` about the present status and every later one, until it ends
/// it. A `timeout` of zero means for ever; when it is over, exit code 7 ("timed_out").
[[nodiscard]] Outcome<ExitCode> follow(
    DaemonLink& link, std::chrono::seconds timeout,
    const std::function<Verdict(const v1::WatchStatusResponse&)>& judge);

}  // namespace slopn::cli
