#include <unistd.h>

#include <CLI/CLI.hpp>  // App.hpp alone declares the help formatter but does not define it

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "cli/catalogue.hpp"
#include "cli/suggest.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

Console console_for(const Globals& globals)
{
  const auto colour = [&](int fd) { return globals.no_color ? Colour::off : colour_for(fd); };
  return {.out = std::cout,
          .err = std::cerr,
          .readers = globals.json ? Readers::programs : Readers::people,
          .out_style = Style{colour(STDOUT_FILENO)},
          .err_style = Style{colour(STDERR_FILENO)},
          .out_columns = terminal_columns(STDOUT_FILENO),
          .err_columns = terminal_columns(STDERR_FILENO),
          .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
          .socket_path = globals.socket_path};
}

int end_with(const Console& console, const Failure& failure)
{
  if (!failure.silent) console.print(failure);
  return static_cast<int>(failure.exit);
}

int usage_error(const Catalogue& catalogue, const CLI::ParseError& error,
                const std::vector<std::string>& arguments)
{
  const auto slip = find_slip(catalogue.app(), arguments);
  std::string remedy = slip ? slip->suggestion : std::string{};
  if (remedy.empty()) remedy = "slopnctl --help shows what there is";
  // The line was not read to its end, so the flag may not be set.
  Globals globals = catalogue.globals();
  globals.json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
  return end_with(console_for(globals), {.exit = ExitCode::usage,
                                         .reason = "usage",
                                         .message = slip ? slip->message : error.what(),
                                         .remedy = remedy});
}

int run(int argc, char** argv)
{
  Catalogue catalogue;
  CLI::App& app = catalogue.app();
  const std::vector<std::string> arguments{argv + 1, argv + argc};
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {
    return app.exit(wanted);  // --help, --version
  } catch (const CLI::ParseError& error) {
    return usage_error(catalogue, error, arguments);
  }

  const Console console = console_for(catalogue.globals());
  const auto end = catalogue.chosen()(console);
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
