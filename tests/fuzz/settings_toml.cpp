// Settings from a file or from another host, and changes that come one by one. What is accepted can
// be written and read back, in both forms.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/config/settings.hpp"
#include "libtunnel/base/bytes.hpp"

namespace {

using namespace slopn;

void must_survive(const config::Settings& settings)
{
  const auto again = config::parse_settings(config::format_settings(settings), "again.toml");
  if (!again || *again != settings) __builtin_trap();
  const auto same = config::with_changes({}, config::setting_texts(settings));
  if (!same || *same != settings) __builtin_trap();
}

// Lines of "key=value".
std::vector<config::SettingText> changes_in(std::string_view text)
{
  std::vector<config::SettingText> changes;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto equals = line.find('=');
    const auto value = equals == std::string_view::npos ? "" : line.substr(equals + 1);
    changes.push_back({std::string{line.substr(0, equals)}, std::string{value}});
  }
  return changes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text(view(data, size));
  if (const auto settings = config::parse_settings(text, "fuzz.toml")) must_survive(*settings);
  if (const auto settings = config::with_changes({}, changes_in(text))) must_survive(*settings);
  return 0;
}
