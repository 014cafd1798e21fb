#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "slopn/control/v1/control.pb.h"

namespace slopn::cli {

namespace v1 = slopn::control::v1;

/// The levels of the log as the command line has them, from the most to the least talkative.
[[nodiscard]] inline std::vector<std::string> level_words()
{
  return {"debug", "info", "warn", "error"};
}

/// LOG_LEVEL_UNSPECIFIED for any other word.
[[nodiscard]] inline v1::LogLevel level_of(std::string_view word)
{
  if (word == "debug") return v1::LOG_LEVEL_DEBUG;
  if (word == "info") return v1::LOG_LEVEL_INFO;
  if (word == "warn") return v1::LOG_LEVEL_WARN;
  if (word == "error") return v1::LOG_LEVEL_ERROR;
  return v1::LOG_LEVEL_UNSPECIFIED;
}

}  // namespace slopn::cli
