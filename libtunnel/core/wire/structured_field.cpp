#include "libtunnel/core/wire/structured_field.hpp"

#include <algorithm>
#include <charconv>

namespace slopn::wire {
namespace {

constexpr std::size_t kMaxIntegerDigits = 15;
constexpr std::size_t kMaxDecimalDigits = 12;  // in front of the point
constexpr std::size_t kMaxFractionDigits = 3;

bool is_digit(char c) noexcept
{
  return c >= '0' && c <= '9';
}
bool is_lower(char c) noexcept
{
  return c >= 'a' && c <= 'z';
}
bool is_alpha(char c) noexcept
{
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}
bool is_one_of(char c, std::string_view set) noexcept
{
  return set.find(c) != std::string_view::npos;
}
bool is_key_char(char c) noexcept
{
  return is_lower(c) || is_digit(c) || is_one_of(c, "_-.*");
}
bool is_token_char(char c) noexcept
{
  return is_alpha(c) || is_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~:/");
}
bool is_base64_char(char c) noexcept
{
  return is_alpha(c) || is_digit(c) || is_one_of(c, "+/=");
}
bool is_printable(char c) noexcept
{
  return c >= 0x20 && c <= 0x7e;
}

/// Reads from the front of a text. A function that returns nullopt or false has met what the
/// grammar does not allow; where it stands then means nothing.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : rest_(text) {}

  std::optional<SfDictionary> dictionary()
  {
    SfDictionary members;
    skip(" ");
    while (!rest_.empty()) {
      auto name = key();
      if (!name) return std::nullopt;
      auto value = member();
      if (!value) return std::nullopt;
      members.insert_or_assign(std::move(*name), std::move(*value));
      if (members.size() > kMaxSfMembers) return std::nullopt;
      skip(" \t");
      if (rest_.empty()) break;
      if (!take(',')) return std::nullopt;
      skip(" \t");
      if (rest_.empty()) return std::nullopt;  // a comma at the end
    }
    return members;
  }

 private:
  [[nodiscard]] bool at(char c) const noexcept { return !rest_.empty() && rest_.front() == c; }

  bool take(char c) noexcept
  {
    if (!at(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void skip(std::string_view what) noexcept
  {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(what), rest_.size()));
  }

  std::string_view take_while(bool (*fits)(char) noexcept) noexcept
  {
    const auto end = std::ranges::find_if_not(rest_, fits);
    const auto taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::optional<std::string> key()
  {
    if (rest_.empty() || !(is_lower(rest_.front()) || rest_.front() == '*')) return std::nullopt;
    return std::string{take_while(is_key_char)};
  }

  std::optional<SfMember> member()
  {
    SfMember member;
    if (!take('=')) {
      member.values.emplace_back(true);
    } else if (take('(')) {
      member.is_list = true;
      if (!inner_list(member.values)) return std::nullopt;
    } else {
      auto value = bare_item();
      if (!value) return std::nullopt;
      member.values.push_back(std::move(*value));
    }
    if (!parameters()) return std::nullopt;
    return member;
  }

  bool inner_list(std::vector<SfValue>& values)
  {
    for (;;) {
      skip(" ");
      if (take(')')) return true;
      auto value = bare_item();
      if (!value || !parameters() || values.size() == kMaxSfMembers) return false;
      values.push_back(std::move(*value));
      if (!at(' ') && !at(')')) return false;
    }
  }

  bool parameters()
  {
    for (std::size_t count = 0; take(';'); ++count) {
      skip(" ");
      const auto name = key();
      if (!name || count == kMaxSfMembers) return false;
      if (take('=')) {
        const auto value = bare_item();
        if (!value) return false;
      }
    }
    return true;
  }

  std::optional<SfValue> bare_item()
  {
    if (rest_.empty()) return std::nullopt;
    const char first = rest_.front();
    if (first == '-' || is_digit(first)) return number();
    if (take('"')) return string();
    if (is_alpha(first) || first == '*') return SfToken{std::string{take_while(is_token_char)}};
    if (take('?')) {
      if (take('1')) return true;
      if (take('0')) return false;
      return std::nullopt;
    }
    if (take(':')) {
      (void)take_while(is_base64_char);
      return other(take(':'));
    }
    if (take('@')) {
      const auto date = number();
      return other(date && std::holds_alternative<std::int64_t>(*date));
    }
    if (take('%')) return other(take('"') && display_string());
    return std::nullopt;
  }

  static std::optional<SfValue> other(bool good)
  {
    if (!good) return std::nullopt;
    return SfOther{};
  }

  std::optional<SfValue> number()
  {
    const bool negative = take('-');
    const std::string_view digits = take_while(is_digit);
    if (digits.empty() || digits.size() > kMaxIntegerDigits) return std::nullopt;
    if (take('.')) {
      const std::string_view fraction = take_while(is_digit);
      return other(digits.size() <= kMaxDecimalDigits && !fraction.empty() &&
                   fraction.size() <= kMaxFractionDigits);
    }
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return negative ? -value : value;
  }

  std::optional<SfValue> string()
  {
    std::string value;
    while (!rest_.empty()) {
      if (take('"')) return value;
      if (take('\\') && !at('"') && !at('\\')) return std::nullopt;
      if (rest_.empty() || !is_printable(rest_.front())) return std::nullopt;
      value += rest_.front();
      rest_.remove_prefix(1);
    }
    return std::nullopt;
  }

  bool display_string()
  {
    while (!rest_.empty()) {
      if (take('"')) return true;
      if (take('%')) {
        for (int digit = 0; digit < 2; ++digit) {
          if (rest_.empty() || !(is_digit(rest_.front()) || is_one_of(rest_.front(), "abcdef")))
            return false;
          rest_.remove_prefix(1);
        }
      } else if (!is_printable(rest_.front())) {
        return false;
      } else {
        rest_.remove_prefix(1);
      }
    }
    return false;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<SfDictionary> parse_sf_dictionary(std::string_view text)
{
  if (text.size() > kMaxSfBytes) return std::nullopt;
  text.remove_suffix(text.size() - std::min(text.find_last_not_of(' ') + 1, text.size()));
  return Reader{text}.dictionary();
}

std::string format_sf_string(std::string_view text)
{
  std::string out = "\"";
  for (const char c : text) {
    if (!is_printable(c)) continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace slopn::wire
