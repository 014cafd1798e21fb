#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace slopn::config {

/// Something in a TOML text that the library must not see.
struct TomlFinding {
  std::size_t offset;
  std::string_view complaint;
};

/// Finds what toml++ 3.3 cannot bear: nesting deeper than any document of ours, because it recurses;
/// and what it takes for impossible, with undefined behaviour as the result: table headers without
/// a name, brackets that do not match, broken dates, and characters beyond ASCII near a broken
/// value. Nobody needs whole dates, and in strings there are escapes, so both are refused. In
/// comments such characters are replaced by question marks.
///
/// Each of these was found by the fuzz targets, which run against the library with its assertions.
[[nodiscard]] std::optional<TomlFinding> scan_toml(std::string& text);

}  // namespace slopn::config
