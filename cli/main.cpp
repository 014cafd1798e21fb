#include <unistd.h>

#include <CLI/CLI.hpp>  // App.hpp alone declares the help formatter but does not define it

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "cli/commands/commands.hpp"
#include "cli/suggest.hpp"
#include "libtunnel/base/build_info.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

struct Globals {
  std::string socket_path = "/run/slopn/slopnd.sock";
  bool json = false;
  bool no_color = false;
};

void add_globals(CLI::App& app, Globals& globals)
{
  app.add_option("--socket", globals.socket_path, "slopnd's control socket")
      ->type_name("PATH")
      ->envname("SLOPN_SOCKET")
      ->capture_default_str();
  app.add_flag("--json", globals.json, "Print JSON for programs instead of text for people");
  app.add_flag("--no-color,--no-colour", globals.no_color,
               "No colours; the variable NO_COLOR does the same");
}

void add_commands(CLI::App& app, Run& chosen)
{
  add_connect(app, chosen);
  add_disconnect(app, chosen);
  add_status(app, chosen);
  add_speedtest(app, chosen);
  add_ping(app, chosen);
  add_profile(app, chosen);
  add_keygen(app, chosen);
  add_settings(app, chosen);
  add_gateway(app, chosen);
  add_version(app, chosen);
}

Console console_for(const Globals& globals)
{
  const auto colour = [&](int fd) { return globals.no_color ? Colour::off : colour_for(fd); };
  return {.out = std::cout,
          .err = std::cerr,
          .readers = globals.json ? Readers::programs : Readers::people,
          .out_style = Style{colour(STDOUT_FILENO)},
          .err_style = Style{colour(STDERR_FILENO)},
          .out_columns = terminal_columns(STDOUT_FILENO),
          .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
          .socket_path = globals.socket_path};
}

int end_with(const Console& console, const Failure& failure)
{
  console.print(failure);
  return static_cast<int>(failure.exit);
}

int usage_error(const CLI::App& app, const CLI::ParseError& error, Globals globals,
                const std::vector<std::string>& arguments)
{
  const auto slip = find_slip(app, arguments);
  std::string remedy = slip ? slip->suggestion : std::string{};
  if (remedy.empty()) remedy = "slopnctl --help shows what there is";
  // The line was not read to its end, so the flag may not be set.
  globals.json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
  return end_with(console_for(globals),
                  {ExitCode::usage, "usage", slip ? slip->message : error.what(), remedy});
}

int run(int argc, char** argv)
{
  CLI::App app{"Controls slopnd, the slopn VPN daemon.", "slopnctl"};
  Globals globals;
  Run chosen;
  app.fallthrough();  // global options may stand behind the command
  app.require_subcommand(1);
  app.set_version_flag("--version", "slopnctl " + std::string{build_info().version});
  add_globals(app, globals);
  add_commands(app, chosen);
  app.footer(
      "Examples:\n"
      "  slopnctl connect office\n"
      "  slopnctl status --json\n"
      "  slopnctl gateway invite laptop\n"
      "Exit: 0 ok, 1 failed, 2 usage, 3 slopnd unreachable, 4 not permitted, 5 not connected,\n"
      "      6 authentication refused, 7 timed out.");
  const std::vector<std::string> arguments{argv + 1, argv + argc};
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {
    return app.exit(wanted);  // --help, --version
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error, globals, arguments);
  }

  const Console console = console_for(globals);
  const auto end = chosen(console);
  if (!end) return end_with(console, end.error());
  return static_cast<int>(*end);
}

}  // namespace
}  // namespace slopn::cli

int main(int argc, char** argv)
{
  (void)std::signal(SIGPIPE, SIG_IGN);  // a reader that went away shows as a failed write
  try {
    const int code = slopn::cli::run(argc, argv);
    std::cout.flush();
    std::cerr.flush();
    std::_Exit(code);  // gRPC's threads need not be waited for: this process has nothing to save
  } catch (const std::exception& bug) {
    std::cerr << "slopnctl: " << slopn::printable(bug.what()) << '\n';
    return static_cast<int>(slopn::cli::ExitCode::failed);
  }
}
