#include "daemon/config/toml.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "daemon/config/toml_scan.hpp"

namespace slopn::config {
namespace {

Position position_of_offset(std::string_view text, std::size_t offset, std::string_view origin)
{
  const auto before = text.substr(0, offset);
  const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {std::string{origin}, static_cast<std::uint32_t>(std::ranges::count(before, '\n') + 1),
          static_cast<std::uint32_t>(offset - line_start + 1)};
}

Position position_of(const toml::source_region& region, std::string_view origin)
{
  return {std::string{origin}, region.begin.line, region.begin.column};
}

// Recursion is bounded by scan_toml().
class Converter {
 public:
  explicit Converter(std::string_view origin) noexcept : origin_(origin) {}

  Table table(const toml::table& from) const
  {
    Table members;
    members.reserve(from.size());
    for (const auto& [key, node] : from) {
      members.push_back({.at = position_of(key.source(), origin_),
                         .name = std::string{key.str()},
                         .value = value(node)});
    }
    return members;
  }

 private:
  Value value(const toml::node& node) const
  {
    Value made{.at = position_of(node.source(), origin_), .data = DateOrTime{}};
    if (const auto* table_node = node.as_table()) made.data = table(*table_node);
    if (const auto* array = node.as_array()) made.data = list(*array);
    if (const auto* text = node.as_string()) made.data = text->get();
    if (const auto* number = node.as_integer()) made.data = number->get();
    if (const auto* number = node.as_floating_point()) made.data = number->get();
    if (const auto* flag = node.as_boolean()) made.data = flag->get();
    return made;
  }

  List list(const toml::array& from) const
  {
    List values;
    values.reserve(from.size());
    for (const auto& node : from) values.push_back(value(node));
    return values;
  }

  std::string_view origin_;
};

// The library's messages name what they found instead, which may be part of a key.
std::string describe(const toml::parse_error& error, TomlContent content)
{
  constexpr std::size_t kMaxDescriptionBytes = 200;
  std::string_view text = error.description();
  if (content == TomlContent::secret) text = text.substr(0, text.find_first_of(":;,'\""));
  return "not valid TOML: " + printable(text, kMaxDescriptionBytes);
}

// Takes one code point of UTF-8 away from `text`, or one byte that is none.
std::uint32_t take_code_point(std::string_view& text) noexcept
{
  constexpr std::uint32_t kReplacement = 0xFFFD;
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  std::uint32_t code = length == 1 ? first : first & (0xFFU >> (length + 1));
  bool good = length <= text.size() && (length == 1 || first >= 0xC2) && first < 0xF5;
  for (std::size_t i = 1; good && i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    good = (next & 0xC0U) == 0x80;
    code = code << 6U | (next & 0x3FU);
  }
  text.remove_prefix(good ? length : 1);
  return good ? code : kReplacement;
}

std::string escaped(std::uint32_t code_point)
{
  std::array<char, 11> text{};
  std::snprintf(text.data(), text.size(), code_point > 0xFFFF ? "\\U%08X" : "\\u%04X", code_point);
  return text.data();
}

}  // namespace

std::optional<Table> read_toml(std::string_view text, std::string_view origin, TomlContent content,
                               Diagnostics& diagnostics)
{
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::string cleaned{text};
  if (const auto finding = scan_toml(cleaned)) {
    diagnostics.add(position_of_offset(text, finding->offset, origin), finding->complaint);
    return std::nullopt;
  }
  try {
    return Converter{origin}.table(toml::parse(std::string_view{cleaned}));
  } catch (const toml::parse_error& error) {
    diagnostics.add(position_of(error.source(), origin), describe(error, content));
    return std::nullopt;
  }
}

std::string toml_string(std::string_view text)
{
  std::string written{'"'};
  while (!text.empty()) {
    const char c = text.front();
    if (c == '"' || c == '\\') {
      written.append({'\\', c});
      text.remove_prefix(1);
    } else if (c >= ' ' && c <= '~') {
      written += c;
      text.remove_prefix(1);
    } else {
      written += escaped(take_code_point(text));
    }
  }
  return written + '"';
}

}  // namespace slopn::config
