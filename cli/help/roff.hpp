#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slopn::cli {

/// A manual page with man(7) macros, written from its beginning to its end. All texts are plain;
/// what has a meaning in roff is escaped.
class Roff {
 public:
  Roff(std::string_view name, int section, std::string_view product);

  void heading(std::string_view title);
  /// "name - what", as whatis(1) reads it.
  void name_line(std::string_view name, std::string_view what);
  /// Fills lines. Line ends in `text` are spaces.
  void text(std::string_view text);
  void paragraph(std::string_view text);
  /// Begins an entry of a list: bold words, then what they take. Text follows.
  void tag(const std::vector<std::string>& bold, std::string_view italic);
  /// A command line by itself: bold, and then `italic` for each of its parts.
  void begin_line(std::string_view bold);
  void italic(std::string_view text);
  /// A line that is shown as it is, indented.
  void example(std::string_view line);

  [[nodiscard]] std::string finish() &&;

 private:
  std::string out_;
};

}  // namespace slopn::cli
