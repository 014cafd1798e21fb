#include "daemon/config/toml.hpp"

#include <toml++/toml.h>

#include <algorithm>

namespace slopn::config {
namespace {

constexpr unsigned kMaxNesting = 16;
constexpr unsigned kMaxDotsInName = 16;

bool is_bare_key_character(char c) noexcept
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_quote(char c) noexcept
{
  return c == '"' || c == '\'';
}

/// Walks over TOML text, knowing only strings, comments and brackets, and finds what the library
/// must not see: nesting deeper than any document of ours, because it recurses; and, because its
/// version 3.3 takes them for impossible, bytes that TOML has in strings and comments only and
/// table headers without a name.
class Scan {
 public:
  struct Finding {
    std::size_t offset;
    std::string_view complaint;
  };

  explicit Scan(std::string_view text) noexcept : text_(text) {}

  std::optional<Finding> first_finding()
  {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        skip_comment();
      } else if (is_quote(c)) {
        line_begins_ = false;
        skip_string(c);
      } else if (const auto complaint = look_at(c); !complaint.empty()) {
        return Finding{at_, complaint};
      } else {
        ++at_;
      }
    }
    return std::nullopt;
  }

 private:
  // Empty if nothing is wrong.
  std::string_view look_at(char c)
  {
    const bool blank = c == ' ' || c == '\t' || c == '\r';
    if (!blank && c != '\n' && (c < ' ' || c > '~')) return "not valid TOML: unexpected character";
    if (c == '[' && line_begins_ && nesting_ == 0 && !header_has_name())
      return "not valid TOML: a table needs a name";
    line_begins_ = c == '\n' || (line_begins_ && blank);
    count(c);
    if (nesting_ > kMaxNesting || dots_ > kMaxDotsInName) return "nested too deeply";
    return {};
  }

  // At a table header's first bracket.
  bool header_has_name() const noexcept
  {
    const auto skip_blanks = [this](std::size_t at) {
      return std::min(text_.find_first_not_of(" \t", at), text_.size());
    };
    std::size_t at = skip_blanks(at_ + 1);
    if (at < text_.size() && text_[at] == '[') at = skip_blanks(at + 1);
    return at < text_.size() && (is_bare_key_character(text_[at]) || is_quote(text_[at]));
  }

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
    const auto end = std::string_view{triple}.substr(0, long_string ? 3 : 1);
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
  bool line_begins_ = true;
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

// Recursion is bounded by Scan.
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
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (const auto finding = Scan{text}.first_finding()) {
    diagnostics.add(position_of_offset(text, finding->offset, origin), finding->complaint);
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
