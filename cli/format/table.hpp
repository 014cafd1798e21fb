#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/format/terminal.hpp"

namespace slopn::cli {

/// Columns for people: a heading, then rows, two spaces between columns. Cells are made harmless
/// for the terminal (`printable`).
[[nodiscard]] std::string table(const std::vector<std::string>& heading,
                                const std::vector<std::vector<std::string>>& rows,
                                const Style& style);

/// "  name    value" lines, aligned; rows with an empty value are left out.
[[nodiscard]] std::string details(const std::vector<std::pair<std::string_view, std::string>>& rows,
                                  const Style& style);

/// Code points of UTF-8 text: good enough as columns for what slopn prints.
[[nodiscard]] std::size_t columns_of(std::string_view text);

/// The beginning of `text` that takes at most so many columns.
[[nodiscard]] std::string first_columns(std::string_view text, std::size_t columns);

}  // namespace slopn::cli
