#pragma once

#include <string>
#include <string_view>

namespace slopn {

/// `text` made safe for a terminal, a line of the log and protobuf: what is not UTF-8 becomes
/// U+FFFD, and so does every control character (C0, DEL, C1) and every character that changes the
/// direction of text. One line stays one line.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace slopn
