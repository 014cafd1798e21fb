#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/config/value.hpp"
#include "libtunnel/base/bytes.hpp"

/// TOML text to values and back. The one place that knows the TOML library.
namespace slopn::config {

/// Whether a syntax error may show the text around it.
enum class TomlContent { open, secret };

/// The document's root table. Hostile input: nesting and dotted names are bounded before the
/// library sees them, because it recurses. On failure adds a complaint and returns nullopt.
[[nodiscard]] std::optional<Table> read_toml(std::string_view text, std::string_view origin,
                                             TomlContent content, Diagnostics& diagnostics);

/// `text` as a TOML basic string, with its quotes.
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace slopn::config
