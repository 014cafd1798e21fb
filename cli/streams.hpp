#pragma once

#include <functional>

#include "cli/daemon_link.hpp"

/// Streams of slopnd other than the status.
namespace slopn::cli {

enum class Until {
  interrupted,  ///< Somebody ends this program, or slopnd ends the stream.
  present,      ///< All that had happened before the call has been read.
};

/// Hands every answer of WatchEvents to `take` until it returns false.
[[nodiscard]] Outcome<ExitCode> read_events(
    DaemonLink& link, const v1::WatchEventsRequest& request, Until until,
    const std::function<bool(const v1::WatchEventsResponse&)>& take);

/// Hands every line of WatchLogs to `take` until it returns false.
[[nodiscard]] Outcome<ExitCode> read_logs(
    DaemonLink& link, const v1::WatchLogsRequest& request,
    const std::function<bool(const v1::WatchLogsResponse&)>& take);

}  // namespace slopn::cli
