#pragma once

#include <span>
#include <string>
#include <string_view>

#include "daemon/config/load.hpp"

namespace slopn::config {

enum class Task {
  run,
  show_help,
  show_version,
  check  ///< --check: read the configuration, say what is wrong with it, exit.
};

struct CommandLine {
  Task task = Task::run;
  LoadOrder order;  ///< With `environment` as given; kept for SIGHUP, which loads it again.
};

/// `arguments` without the program's name. SLOPN_CONFIG names the file when --config does not.
/// Errc::invalid_argument with a line for people when something is wrong.
[[nodiscard]] Result<CommandLine> parse_command_line(std::span<const std::string_view> arguments,
                                                     Environment environment);

/// What `slopnd --help` prints: usage, flags and every key.
[[nodiscard]] std::string help_text();

}  // namespace slopn::config
