#pragma once

#include <chrono>
#include <string>

#include "cli/format/terminal.hpp"
#include "slopn/control/v1/control.pb.h"

namespace slopn::cli {

namespace v1 = slopn::control::v1;

/// What `slopnctl status` prints for people: one line that says it, then the details, aligned.
[[nodiscard]] std::string status_text(const v1::Status& status, const Style& style,
                                      std::chrono::system_clock::time_point now);

/// Only the first line of it, without its line end: for `--watch` and for progress.
[[nodiscard]] std::string status_line(const v1::Status& status, const Style& style,
                                      std::chrono::system_clock::time_point now);

}  // namespace slopn::cli
