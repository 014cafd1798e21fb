#include "libtunnel/base/text.hpp"

#include <cstddef>
#include <cstdint>

namespace slopn {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

struct Character {
  char32_t code;
  std::size_t bytes;  // 0 for what is not UTF-8
};

constexpr Character kNotUtf8{0, 0};

/// The first character of `text`, which is not empty. Table 3-7 of the Unicode standard: no
/// overlong form, no surrogate, nothing above U+10FFFF.
Character first_character(std::string_view text)
{
  const auto lead = static_cast<std::uint8_t>(text[0]);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xc2 || lead > 0xf4) return kNotUtf8;
  const std::size_t bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < bytes) return kNotUtf8;

  char32_t code = lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xc0U) != 0x80U) return kNotUtf8;
    code = (code << 6U) | (next & 0x3fU);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return kNotUtf8;
  return {code, bytes};
}

bool is_harmless(char32_t code)
{
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool line_end = code == 0x2028 || code == 0x2029;
  const bool direction = code == 0x061c || code == 0x200e || code == 0x200f ||
                         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return !control && !line_end && !direction;
}

}  // namespace

std::string printable(std::string_view text)
{
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character next = first_character(text);
    const bool keep = next.bytes != 0 && is_harmless(next.code);
    const std::size_t bytes = next.bytes != 0 ? next.bytes : 1;
    out.append(keep ? text.substr(0, bytes) : kReplacement);
    text.remove_prefix(bytes);
  }
  return out;
}

}  // namespace slopn
