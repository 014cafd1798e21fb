#include "daemon/config/toml_scan.hpp"

#include <algorithm>

namespace slopn::config {
namespace {

constexpr std::size_t kMaxNesting = 16;
constexpr unsigned kMaxDotsInName = 16;

bool is_bare_key_character(char c) noexcept
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_ascii(char c) noexcept
{
  return static_cast<unsigned char>(c) < 0x80;
}

bool is_quote(char c) noexcept
{
  return c == '"' || c == '\'';
}

/// Walks over TOML text, knowing only strings, comments, words and brackets.
class Scan {
 public:
  explicit Scan(std::string& text) : text_(text) {}

  std::optional<TomlFinding> first_finding()
  {
    while (at_ < text_.size()) {
      const auto complaint = step(text_[at_]);
      if (!complaint.empty()) return TomlFinding{at_, complaint};
    }
    return std::nullopt;
  }

 private:
  // Takes what begins with `c`. Empty if nothing is wrong with it.
  std::string_view step(char c)
  {
    if (c == '#') {
      blank_comment();
      return {};
    }
    if (is_quote(c)) {
      line_begins_ = false;
      in_word_ = false;
      return skip_string(c);
    }
    const auto complaint = look_at(c);
    if (complaint.empty()) ++at_;
    return complaint;
  }

  std::string_view look_at(char c)
  {
    constexpr std::string_view kPunctuation = " \t\r\n=,.[]{}+";
    const bool in_word = is_bare_key_character(c);
    if (!in_word && kPunctuation.find(c) == std::string_view::npos)
      return "not valid TOML here: unexpected character";
    if (in_word && !in_word_ && is_date()) return "dates and times must be in quotes";
    if (c == '[' && line_begins_ && open_.empty() && !header_has_name())
      return "not valid TOML: a table needs a name";
    in_word_ = in_word;
    line_begins_ = c == '\n' || (line_begins_ && (c == ' ' || c == '\t'));
    if (!count(c)) return "not valid TOML: brackets do not match";
    if (open_.size() > kMaxNesting || dots_ > kMaxDotsInName) return "nested too deeply";
    return {};
  }

  // At a word's first character. A date begins with a year; no number has a hyphen there.
  bool is_date() const noexcept
  {
    constexpr std::size_t kYearDigits = 4;
    const auto end = text_.find_first_not_of("0123456789", at_);
    return end == at_ + kYearDigits && text_[end] == '-';
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

  // False for a bracket that closes none, or another one.
  bool count(char c)
  {
    if (c == '.') {
      ++dots_;
      return true;
    }
    if (c == '[' || c == '{') {
      open_ += c;
    } else if (c == ']' || c == '}') {
      if (open_.empty() || (open_.back() == '[') != (c == ']')) return false;
      open_.pop_back();
    } else if (c != '=' && c != ',' && c != '\n') {
      return true;
    }
    dots_ = 0;
    return true;
  }

  void blank_comment()
  {
    for (; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
      if (!is_ascii(text_[at_])) text_[at_] = '?';
    }
  }

  std::string_view skip_string(char quote)
  {
    const std::string end(text_.compare(at_, 3, std::string(3, quote)) == 0 ? 3 : 1, quote);
    const bool long_string = end.size() == 3;
    at_ += end.size();
    while (at_ < text_.size() && text_.compare(at_, end.size(), end) != 0) {
      if (!is_ascii(text_[at_])) return "write characters beyond ASCII as \\u and 4 hex digits";
      // A short string cannot hold a line's end: this one is broken, and what follows is scanned
      // as if it were none, or a stray quote would hide the rest of the document.
      if (!long_string && text_[at_] == '\n') return {};
      const bool escape = quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size();
      at_ += escape && is_ascii(text_[at_ + 1]) ? 2U : 1U;
    }
    at_ = std::min(at_ + end.size(), text_.size());
    // A long string may end in one or two quotes of its own.
    for (int extra = 0; long_string && extra < 2 && at_ < text_.size() && text_[at_] == quote;
         ++extra)
      ++at_;
    return {};
  }

  std::string& text_;
  std::size_t at_ = 0;
  std::string open_;  // brackets
  unsigned dots_ = 0;
  bool line_begins_ = true;
  bool in_word_ = false;
};

}  // namespace

std::optional<TomlFinding> scan_toml(std::string& text)
{
  return Scan{text}.first_finding();
}

}  // namespace slopn::config
