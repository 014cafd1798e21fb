#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/daemon_link.hpp"

/// Names that only slopnd knows, for suggestions and for completion.
namespace slopn::cli {

/// Empty when slopnd does not tell.
[[nodiscard]] std::vector<std::string> profile_names(DaemonLink& link);
[[nodiscard]] std::vector<std::string> setting_keys(DaemonLink& link);

/// `failure`, and if it says that the profile `asked` does not exist: which one was meant.
[[nodiscard]] Failure with_profile_suggestion(DaemonLink& link, Failure failure,
                                              std::string_view asked);

/// What to say about a key that is none of `known`.
[[nodiscard]] Failure unknown_setting(std::string_view asked,
                                      const std::vector<std::string>& known);

}  // namespace slopn::cli
