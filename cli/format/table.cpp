#include "cli/format/table.hpp"

#include <algorithm>

#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

std::string padded(std::string_view text, std::size_t columns)
{
  const std::size_t have = columns_of(text);
  std::string out{text};
  if (have < columns) out.append(columns - have, ' ');
  return out;
}

}  // namespace

std::size_t columns_of(std::string_view text)
{
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U;
  }));
}

std::string first_columns(std::string_view text, std::size_t columns)
{
  std::size_t end = 0;
  for (std::size_t used = 0; end < text.size(); ++end) {
    if ((static_cast<unsigned char>(text[end]) & 0xc0U) != 0x80U && used++ == columns) break;
  }
  return std::string{text.substr(0, end)};
}

std::string table(const std::vector<std::string>& heading,
                  const std::vector<std::vector<std::string>>& rows, const Style& style)
{
  std::vector<std::vector<std::string>> cells;
  std::vector<std::size_t> widths;
  for (const auto& title : heading) widths.push_back(columns_of(title));
  for (const auto& row : rows) {
    auto& clean = cells.emplace_back();
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      clean.push_back(printable(row[i]));
      widths[i] = std::max(widths[i], columns_of(clean.back()));
    }
  }

  const auto line = [&](const std::vector<std::string>& row) {
    std::string out;
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += i + 1 == row.size() ? row[i] : padded(row[i], widths[i] + 2);
    }
    return out;
  };
  std::string out = style.strong(line(heading)) + '\n';
  for (const auto& row : cells) out += line(row) + '\n';
  return out;
}

std::string details(const std::vector<std::pair<std::string_view, std::string>>& rows,
                    const Style& style)
{
  std::size_t widest = 0;
  for (const auto& [name, value] : rows) {
    if (!value.empty()) widest = std::max(widest, name.size());
  }
  std::string out;
  for (const auto& [name, value] : rows) {
    if (value.empty()) continue;
    out += "  " + style.faint(padded(name, widest + 2)) + printable(value) + '\n';
  }
  return out;
}

}  // namespace slopn::cli
