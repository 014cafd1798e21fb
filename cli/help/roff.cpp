#include "cli/help/roff.hpp"

#include <algorithm>
#include <cctype>

namespace slopn::cli {
namespace {

/// Text inside of a line: typewriter hyphens and quotes, so that options can be copied.
std::string escaped(std::string_view text)
{
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      case '\n':
        out += ' ';
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// A whole line: one that begins with a dot would be a request.
std::string line_of(std::string_view text)
{
  std::string line = escaped(text);
  if (line.starts_with('.')) line.insert(0, "\\&");
  return line + '\n';
}

std::string upper(std::string_view text)
{
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

}  // namespace

Roff::Roff(std::string_view name, int section, std::string_view product)
{
  out_ = ".TH \"" + escaped(upper(name)) + "\" " + std::to_string(section) + " \"\" \"" +
         escaped(product) + "\" \"slopn manual\"\n";
  out_ += ".nh\n.ad l\n";  // no hyphenation: commands must stay whole
}

void Roff::heading(std::string_view title)
{
  out_ += ".SH " + escaped(title) + '\n';
}

void Roff::name_line(std::string_view name, std::string_view what)
{
  while (what.ends_with('.')) what.remove_suffix(1);
  out_ += escaped(name) + " \\- " + escaped(what) + '\n';
}

void Roff::text(std::string_view text)
{
  out_ += line_of(text);
}

void Roff::paragraph(std::string_view text)
{
  out_ += ".PP\n" + line_of(text);
}

void Roff::tag(const std::vector<std::string>& bold, std::string_view italic)
{
  out_ += ".TP\n";
  std::string line;
  for (const auto& word : bold) {
    if (!line.empty()) line += ", ";
    line += "\\fB" + escaped(word) + "\\fR";
  }
  if (!italic.empty()) {
    if (!line.empty()) line += ' ';
    line += "\\fI" + escaped(italic) + "\\fR";
  }
  out_ += line + '\n';
}

void Roff::begin_line(std::string_view bold)
{
  out_ += "\\fB" + escaped(bold) + "\\fR\n";
}

void Roff::italic(std::string_view text)
{
  out_ += "\\fI" + escaped(text) + "\\fR\n";
}

void Roff::example(std::string_view line)
{
  out_ += ".PP\n.RS 4\n.nf\n" + line_of(line) + ".fi\n.RE\n";
}

std::string Roff::finish() &&
{
  return std::move(out_);
}

}  // namespace slopn::cli
