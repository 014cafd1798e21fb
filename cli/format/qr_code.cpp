#include "cli/format/qr_code.hpp"

#include <qrencode.h>

#include <memory>

namespace slopn::cli {
namespace {

constexpr int kQuietModules = 4;

class Modules {
 public:
  explicit Modules(const QRcode& code) : code_(code) {}

  /// With the quiet zone around it.
  [[nodiscard]] int side() const { return code_.width + 2 * kQuietModules; }
  [[nodiscard]] bool dark(int x, int y) const
  {
    x -= kQuietModules;
    y -= kQuietModules;
    if (x < 0 || y < 0 || x >= code_.width || y >= code_.width) return false;
    return (code_.data[y * code_.width + x] & 1U) != 0;  // the other bits tell what it is for
  }

 private:
  const QRcode& code_;
};

/// One character for two modules. What is printed is ink: dark modules on paper, or, without
/// colours, light modules on a dark terminal.
std::string_view half_block(bool upper_ink, bool lower_ink)
{
  if (upper_ink) return lower_ink ? "\u2588" : "\u2580";
  return lower_ink ? "\u2584" : " ";
}

}  // namespace

std::optional<QrText> qr_code(std::string_view text, const Style& style)
{
  const std::string copy{text};
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code{
      QRcode_encodeString(copy.c_str(), 0, QR_ECLEVEL_L, QR_MODE_8, 1), &QRcode_free};
  if (!code) return std::nullopt;

  const Modules modules{*code};
  const bool ink_is_dark = style.coloured();
  const int side = modules.side();
  QrText out{{}, static_cast<unsigned>(side)};
  for (int y = 0; y < side; y += 2) {
    std::string line;
    for (int x = 0; x < side; ++x) {
      line += half_block(modules.dark(x, y) == ink_is_dark, modules.dark(x, y + 1) == ink_is_dark);
    }
    out.lines += style.paper(line) + '\n';
  }
  return out;
}

}  // namespace slopn::cli
