#include "cli/console.hpp"

#include <ostream>

#include "libtunnel/base/text.hpp"

namespace slopn::cli {

void Console::print(const Json& document) const
{
  out << to_text(document, Layout::lines) << '\n';
}

void Console::print_line(const Json& document) const
{
  out << to_text(document, Layout::one_line) << std::endl;
}

void Console::progress(std::string_view line) const
{
  if (err_is_terminal && !json()) err << line << std::endl;
}

void Console::print(const Failure& failure) const
{
  if (json()) return print(to_json(failure));
  err << "slopnctl: " << err_style.bad(printable(failure.message)) << '\n';
  if (!failure.remedy.empty()) err << "  " << printable(failure.remedy) << '\n';
}

}  // namespace slopn::cli
