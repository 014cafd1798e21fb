#pragma once

#include <string>
#include <string_view>

namespace slopn::cli {

enum class Colour { off, on };

/// Colours for people; with `Colour::off` every function gives its text back.
class Style {
 public:
  explicit Style(Colour colour) noexcept : colour_(colour) {}

  [[nodiscard]] std::string good(std::string_view text) const { return wrap("32", text); }
  [[nodiscard]] std::string warn(std::string_view text) const { return wrap("33", text); }
  [[nodiscard]] std::string bad(std::string_view text) const { return wrap("31", text); }
  [[nodiscard]] std::string strong(std::string_view text) const { return wrap("1", text); }
  [[nodiscard]] std::string faint(std::string_view text) const { return wrap("2", text); }
  /// Black on white, whatever the terminal's own colours: what a camera wants to see.
  [[nodiscard]] std::string paper(std::string_view text) const { return wrap("30;107", text); }

  [[nodiscard]] bool coloured() const noexcept { return colour_ == Colour::on; }

 private:
  [[nodiscard]] std::string wrap(std::string_view code, std::string_view text) const;
  Colour colour_;
};

/// On when `fd` is a terminal, NO_COLOR is unset (no-color.org) and TERM is not "dumb".
[[nodiscard]] Colour colour_for(int fd);

/// 0 when `fd` is not a terminal.
[[nodiscard]] unsigned terminal_columns(int fd);

}  // namespace slopn::cli
