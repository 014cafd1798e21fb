#include "cli/format/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace slopn::cli {

std::string Style::wrap(std::string_view code, std::string_view text) const
{
  if (colour_ == Colour::off) return std::string{text};
  std::string out = "\x1b[";
  out.append(code).append("m").append(text).append("\x1b[0m");
  return out;
}

Colour colour_for(int fd)
{
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  const bool wanted = no_color == nullptr || *no_color == '\0';
  const bool able = term != nullptr && std::string_view{term} != "dumb";
  return wanted && able && ::isatty(fd) == 1 ? Colour::on : Colour::off;
}

unsigned terminal_columns(int fd)
{
  winsize size{};
  if (::isatty(fd) != 1 || ::ioctl(fd, TIOCGWINSZ, &size) < 0) return 0;
  return size.ws_col == 0 ? 80 : size.ws_col;
}

}  // namespace slopn::cli
