#pragma once

#include <filesystem>
#include <iosfwd>
#include <string_view>

#include "cli/exit_code.hpp"
#include "cli/format/json.hpp"
#include "cli/format/terminal.hpp"

namespace slopn::cli {

/// Who reads what we print.
enum class Readers { people, programs };

/// Where a command prints, and how. Results go to standard output; with `--json` that is one
/// document, or one a line for streams. Progress and errors for people go to standard error.
struct Console {
  std::ostream& out;
  std::ostream& err;
  Readers readers = Readers::people;
  Style out_style{Colour::off};
  Style err_style{Colour::off};
  unsigned out_columns = 0;      ///< Of the terminal; 0 when output goes elsewhere.
  unsigned err_columns = 0;      ///< The same of standard error.
  bool err_is_terminal = false;  ///< Then progress is shown.
  std::filesystem::path socket_path;

  [[nodiscard]] bool json() const noexcept { return readers == Readers::programs; }

  void print(const Json& document) const;       ///< Several lines, easy to read.
  void print_line(const Json& document) const;  ///< One line, flushed: an item of a stream.
  void progress(std::string_view line) const;   ///< Nothing unless somebody watches.
  void print(const Failure& failure) const;
};

}  // namespace slopn::cli
