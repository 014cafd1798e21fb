#pragma once

#include <string>

#include "cli/format/terminal.hpp"
#include "slopn/control/v1/control.pb.h"

/// One line for people for each item of the streams of events and of the log, without a line end.
namespace slopn::cli {

namespace v1 = slopn::control::v1;

/// Empty for the first answer of the stream, which holds no event, and for events of kinds that are
/// not known here or not shown to our role. What was missed gets a line of its own before the event.
[[nodiscard]] std::string event_text(const v1::WatchEventsResponse& item, const Style& style);

[[nodiscard]] std::string log_text(const v1::WatchLogsResponse& line, const Style& style);

}  // namespace slopn::cli
