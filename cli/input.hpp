#pragma once

#include <string>
#include <string_view>

#include "cli/exit_code.hpp"

namespace slopn::cli {

/// Whether it starts with "slopn://", in any case.
[[nodiscard]] bool is_profile_uri(std::string_view text);

/// All of standard input without the line ends at its end, which echo and pipes add; more than
/// 60 KiB, which no profile and no settings have, is an error.
[[nodiscard]] Outcome<std::string> read_standard_input();

/// The same for a file.
[[nodiscard]] Outcome<std::string> read_text_file(const std::string& path);

}  // namespace slopn::cli
