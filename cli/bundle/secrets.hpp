#pragma once

#include <string>
#include <string_view>

/// What secrets look like in texts. Each function takes time in proportion to the text.
namespace slopn::cli {

inline constexpr const char* kRedacted = "<redacted>";

/// Whether a field or a variable of this name holds a secret: "private_key", "auth.token".
[[nodiscard]] bool names_secret(std::string_view name);

/// Without PEM blocks, slopn:// URIs, passwords in URLs, and the values of "token=...",
/// "Authorization: Bearer ...".
[[nodiscard]] std::string without_secrets(std::string_view text);

/// Without long words of the alphabets of base64 and hexadecimal that are no words of a language.
[[nodiscard]] std::string without_long_words(std::string_view text);

}  // namespace slopn::cli
