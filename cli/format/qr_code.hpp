#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/format/terminal.hpp"

namespace slopn::cli {

struct QrText {
  std::string lines;     ///< With line ends.
  unsigned columns = 0;  ///< How wide the terminal has to be.
};

/// `text` as a QR code of UTF-8 half blocks, two modules a character, with the quiet zone that
/// ISO/IEC 18004 wants. Without colours the terminal has to show light text on dark.
/// nullopt when it is too long (2953 bytes).
[[nodiscard]] std::optional<QrText> qr_code(std::string_view text, const Style& style);

}  // namespace slopn::cli
