#include "daemon/config/toml.hpp"

#include <toml++/toml.h>

#include <algorithm>

namespace slopn::config {
namespace {

constexpr unsigned kMaxNesting = 16;
constexpr unsigned kMaxDotsInName = 16;

/// Walks over TOML text, knowing only strings and comments, and finds the place where brackets nest
/// or names are dotted deeper than any document of ours.
class DepthScan {
 public:
  explicit DepthScan(std::string_view text) noexcept : text_(text) {}

  /// Offset of the first byte that goes too deep; nullopt if none does.
  std::optional<std::size_t> first_too_deep()
  {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        skip_comment();
      } else if (c == '"' || c == '\'') {
        skip_string(c);
      } else {
        count(c);
        if (nesting_ > kMaxNesting || dots_ > kMaxDotsInName) return at_;
        ++at_;
      }
    }
    return std::nullopt;
  }

 private:
  void count(char c) noexcept
  {
    if (c == '.') {
      ++dots_;
    } else if (c == '[' || c == '{') {
      ++nesting_;
      dots_ = 0;
    } else if (c == ']' || c == '}') {
      if (nesting_ > 0) --nesting_;
      dots_ = 0;
    } else if (c == '=' || c == ',' || c == '\n') {
      dots_ = 0;
    }
  }

  void skip_comment() noexcept { at_ = std::min(text_.find('\n', at_), text_.size()); }

  void skip_string(char quote)
  {
    const std::string triple(3, quote);
    const bool long_string = text_.substr(at_, 3) == triple;
    const std::string_view end =
        long_string ? std::string_view{triple} : std::string_view{triple}.substr(0, 1);
    at_ += end.size();
    while (at_ < text_.size() && text_.substr(at_, end.size()) != end) {
      // A short string cannot hold a line's end: this one is broken, and what follows is scanned
      // as if it were none, or a stray quote would hide the rest of the document.
      if (!long_string && text_[at_] == '\n') return;
      at_ += quote == '"' && text_[at_] == '\\' ? 2U : 1U;
    }
    at_ = std::min(at_ + end.size(), text_.size());
    // A long string may end in one or two quotes of its own.
    for (int extra = 0; long_string && extra < 2 && text_.substr(at_, 1) == end.substr(0, 1);
         ++extra)
      ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned nesting_ = 0;
  unsigned dots_ = 0;
};

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

// Recursion is bounded by DepthScan.
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

}  // namespace

std::optional<Table> read_toml(std::string_view text, std::string_view origin, TomlContent content,
                               Diagnostics& diagnostics)
{
  if (const auto offset = DepthScan{text}.first_too_deep()) {
    diagnostics.add(position_of_offset(text, *offset, origin), "nested too deeply");
    return std::nullopt;
  }
  try {
    return Converter{origin}.table(toml::parse(text));
  } catch (const toml::parse_error& error) {
    diagnostics.add(position_of(error.source(), origin), describe(error, content));
    return std::nullopt;
  }
}

std::string toml_string(std::string_view text)
{
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  std::string written{'"'};
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      written.append({'\\', c});
    } else if (c == '\n') {
      written.append("\\n");
    } else if (byte < 0x20 || byte == 0x7f) {
      written.append("\\u00").append({kHexDigits[byte >> 4U], kHexDigits[byte & 15U]});
    } else {
      written += c;
    }
  }
  return written + '"';
}

}  // namespace slopn::config
