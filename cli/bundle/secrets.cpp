#include "cli/bundle/secrets.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace slopn::cli {
namespace {

bool is_space(char c)
{
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

bool is_quote(char c)
{
  return c == '"' || c == '\'' || c == '`';
}

bool ends_word(char c)
{
  return is_space(c) || is_quote(c) || c == '<' || c == '>' || c == ',' || c == ';' || c == ')' ||
         c == ']' || c == '}';
}

bool ends_authority(char c)
{
  return ends_word(c) || c == '/' || c == '?' || c == '#';
}

bool same_letters(std::string_view a, std::string_view lower)
{
  return a.size() == lower.size() &&
         std::equal(a.begin(), a.end(), lower.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) == y;
         });
}

bool contains_letters(std::string_view text, std::string_view lower)
{
  for (std::size_t at = 0; at + lower.size() <= text.size(); ++at) {
    if (same_letters(text.substr(at, lower.size()), lower)) return true;
  }
  return false;
}

/// From "-----BEGIN" to the end of the line "-----END ...-----", or of the text.
std::string without_pem(std::string_view text)
{
  constexpr std::string_view kBegin = "-----BEGIN";
  constexpr std::string_view kEnd = "-----END";
  constexpr std::string_view kDashes = "-----";
  std::string out;
  for (;;) {
    const auto begin = text.find(kBegin);
    out += text.substr(0, begin);
    if (begin == std::string_view::npos) return out;
    out += kRedacted;
    const auto end = text.find(kEnd, begin);
    if (end == std::string_view::npos) return out;
    const auto dashes = text.find(kDashes, end + kEnd.size());
    if (dashes == std::string_view::npos) return out;
    text.remove_prefix(dashes + kDashes.size());
  }
}

/// The whole of slopn:// URIs, which hold keys, and "user:password@" of others.
std::string without_uri_secrets(std::string_view text)
{
  constexpr std::string_view kMark = "://";
  constexpr std::string_view kScheme = "slopn";
  std::string out;
  for (;;) {
    const auto mark = text.find(kMark);
    if (mark == std::string_view::npos) return out.append(text);
    const auto after = mark + kMark.size();
    out += text.substr(0, after);
    const bool ours = mark >= kScheme.size() &&
                      same_letters(text.substr(mark - kScheme.size(), kScheme.size()), kScheme);
    const auto* const part_end =
        std::find_if(text.begin() + after, text.end(), ours ? is_space : ends_authority);
    const auto end = static_cast<std::size_t>(part_end - text.begin());
    const auto at = text.substr(after, end - after).rfind('@');
    if (ours) {
      out += kRedacted;
      text.remove_prefix(end);
    } else {
      if (at != std::string_view::npos) out += kRedacted;
      text.remove_prefix(after + (at == std::string_view::npos ? 0 : at));
    }
  }
}

/// Walks over a text and leaves out what follows the name of a secret.
class Assignments {
 public:
  explicit Assignments(std::string_view text) : text_(text) {}

  std::string run() &&
  {
    std::string name;  // the last word, while nothing but blanks and quotes followed it
    char before = ' ';
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if ((c == '=' || c == ':') && names_secret(name)) {
        name.clear();
        leave_out_value();
        continue;
      }
      if (in_name(c)) {
        if (!in_name(before)) name.clear();
        name += c;
      } else if (!is_quote(c) && !is_blank(c)) {  // "token": in JSON, token = in TOML
        name.clear();
      }
      before = c;
      out_ += c;
      ++at_;
    }
    return std::move(out_);
  }

 private:
  static bool in_name(char c)
  {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  }

  void copy_while(bool (*keep)(char))
  {
    while (at_ < text_.size() && keep(text_[at_])) out_ += text_[at_++];
  }

  void leave_out_value()
  {
    out_ += text_[at_++];  // '=' or ':'
    copy_while(is_blank);
    if (at_ == text_.size()) return;
    if (is_quote(text_[at_])) return leave_out_quoted();
    const auto word = take_word();
    if (word.empty()) return;
    out_ += kRedacted;
    for (const std::string_view scheme : {"bearer", "basic", "digest"}) {
      if (!same_letters(word, scheme)) continue;
      copy_while(is_blank);
      (void)take_word();  // the credentials themselves
    }
  }

  void leave_out_quoted()
  {
    const char quote = text_[at_];
    out_ += quote;
    out_ += kRedacted;
    const auto end = text_.find(quote, at_ + 1);
    at_ = end == std::string_view::npos ? text_.size() : end;
  }

  std::string_view take_word()
  {
    const auto begin = at_;
    while (at_ < text_.size() && !ends_word(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  static bool is_blank(char c) { return c == ' ' || c == '\t'; }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
};

/// Random text is long, and has letters and digits or both cases. Words and names have not.
bool looks_random(std::string_view word)
{
  constexpr std::size_t kKeyOf16Bytes = 20;  // base64 has 22 of them
  constexpr std::size_t kLong = 32;
  bool digit = false;
  bool upper = false;
  bool lower = false;
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    digit = digit || std::isdigit(byte) != 0;
    upper = upper || std::isupper(byte) != 0;
    lower = lower || std::islower(byte) != 0;
  }
  if (word.size() >= kLong) return (digit && (upper || lower)) || (upper && lower);
  return word.size() >= kKeyOf16Bytes && digit && upper && lower;
}

bool in_base64(char c)
{
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/' || c == '-' ||
         c == '_' || c == '=';
}

}  // namespace

bool names_secret(std::string_view name)
{
  constexpr std::array<std::string_view, 10> kWords{
      "secret", "passw",      "passphrase", "token",  "private",
      "cookie", "credential", "psk",        "bearer", "authorization"};
  if (std::any_of(kWords.begin(), kWords.end(),
                  [&](auto word) { return contains_letters(name, word); })) {
    return true;
  }
  if (contains_letters(name, "public") || contains_letters(name, "client_key")) return false;
  return same_letters(name, "key") || name.ends_with(".key") || name.ends_with("_key");
}

std::string without_secrets(std::string_view text)
{
  return Assignments{without_uri_secrets(without_pem(text))}.run();
}

std::string without_long_words(std::string_view text)
{
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = 0;
    while (at + size < text.size() && in_base64(text[at + size])) ++size;
    const auto word = text.substr(at, std::max<std::size_t>(size, 1));
    out += size > 0 && looks_random(word) ? std::string_view{kRedacted} : word;
    at += word.size();
  }
  return out;
}

}  // namespace slopn::cli
