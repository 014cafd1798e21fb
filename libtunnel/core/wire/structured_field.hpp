#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Structured Field Values for HTTP (RFC 9651): dictionaries, as far as fields of ours need them.
namespace slopn::wire {

/// A token, as opposed to a quoted string.
struct SfToken {
  std::string text;
  friend bool operator==(const SfToken&, const SfToken&) = default;
};

/// A decimal, byte sequence, date or display string: well formed, but nobody here wants its value.
struct SfOther {
  friend bool operator==(const SfOther&, const SfOther&) = default;
};

using SfValue = std::variant<bool, std::int64_t, std::string, SfToken, SfOther>;

/// One member: an item, or an inner list. Parameters are checked and left out.
struct SfMember {
  std::vector<SfValue> values;  ///< Exactly one unless it is an inner list.
  bool is_list = false;
  friend bool operator==(const SfMember&, const SfMember&) = default;
};

using SfDictionary = std::map<std::string, SfMember, std::less<>>;

inline constexpr std::size_t kMaxSfBytes = 4096;
inline constexpr std::size_t kMaxSfMembers = 64;  ///< Also of an inner list, and parameters.

/// RFC 9651 section 4.2.2: the last of several members of one name counts. nullopt when the text is
/// no dictionary or is over a limit; the whole field is ignored then (section 4.2).
[[nodiscard]] std::optional<SfDictionary> parse_sf_dictionary(std::string_view text);

/// A quoted string. `text` is printable ASCII; what is not is left out.
[[nodiscard]] std::string format_sf_string(std::string_view text);

}  // namespace slopn::wire
