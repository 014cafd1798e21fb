#include "daemon/config/schema.hpp"

namespace slopn::config {

std::string environment_name(std::string_view key)
{
  std::string name = "SLOPN_";
  for (const char c : key)
    name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

std::string markdown_table(const std::vector<KeyInfo>& keys)
{
  std::string text = "| key | type | default | meaning | live |\n|---|---|---|---|---|\n";
  for (const auto& key : keys) {
    const std::string default_value =
        key.default_value.empty() ? "" : "`" + key.default_value + "`";
    text += "| `" + key.name + "` | " + key.type + " | " + default_value + " | " + key.description +
            " | " + (key.live ? "yes" : "") + " |\n";
  }
  return text;
}

}  // namespace slopn::config
