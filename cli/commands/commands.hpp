#pragma once

#include <CLI/App.hpp>
#include <functional>

#include "cli/console.hpp"

/// One file per command. Each adds itself, its options and its examples to `parent`, and puts
/// what it does into `chosen` when the command line names it.
namespace slopn::cli {

using Run = std::function<Outcome<ExitCode>(const Console&)>;

void add_connect(CLI::App& parent, Run& chosen);
void add_disconnect(CLI::App& parent, Run& chosen);
void add_status(CLI::App& parent, Run& chosen);
void add_speedtest(CLI::App& parent, Run& chosen);
void add_ping(CLI::App& parent, Run& chosen);
void add_keygen(CLI::App& parent, Run& chosen);
void add_profile(CLI::App& parent, Run& chosen);
void add_settings(CLI::App& parent, Run& chosen);
void add_gateway(CLI::App& parent, Run& chosen);
void add_version(CLI::App& parent, Run& chosen);

}  // namespace slopn::cli
