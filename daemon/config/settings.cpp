#include "daemon/config/settings.hpp"

#include <algorithm>

#include "daemon/config/settings_schema.hpp"

namespace slopn::config {
namespace {

constexpr std::string_view kVersionKey = "schema_version";
constexpr std::string_view kOrigin = "settings";  // of changes that come one by one

std::string_view section_of(std::string_view key) noexcept
{
  const auto dot = key.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : key.substr(0, dot);
}

// Takes the version out of the document: it is no setting.
Result<std::uint32_t> take_version(Table& document, const Position& at)
{
  const auto found = std::ranges::find(document, kVersionKey, &Member::name);
  if (found == document.end())
    return fail(Errc::invalid_argument, at.to_string() + ": schema_version: missing");
  const Value value = std::move(found->value);
  document.erase(found);
  const auto number = integer_of(value);
  if (!number || *number < 1 || *number > 0xFFFFFFFF)
    return fail(Errc::invalid_argument,
                value.at.to_string() + ": schema_version: expected a number from 1");
  return static_cast<std::uint32_t>(*number);
}

Error too_new(const Position& at, std::uint32_t version)
{
  return fail(Errc::refused, at.to_string() + ": written by a newer slopnd (schema_version " +
                                 std::to_string(version) + ", this one knows up to " +
                                 std::to_string(kSettingsVersion) + ")");
}

// What is wrong with values by themselves is told first, then what is missing, then what does not
// go together.
std::optional<Settings> read_document(const Table& document, const Position& whole,
                                      Diagnostics& diagnostics)
{
  Settings settings;
  Origins origins;
  settings_schema().apply(document, {settings, origins, diagnostics});
  for (const auto& key : settings_schema().keys()) {
    if (!origins.contains(key.name)) diagnostics.add(whole, key.name + ": missing");
  }
  if (diagnostics.empty()) check_settings(settings, origins, diagnostics);
  if (!diagnostics.empty()) return std::nullopt;
  return settings;
}

// No value of ours has quotes, brackets or spaces in it: names, words, numbers and addresses.
std::string without_toml(std::string_view value)
{
  std::string text;
  for (const char c : value) {
    if (c != '"' && c != '[' && c != ']' && c != ' ') text += c;
  }
  return text;
}

SettingsRefusal refusal(const Diagnostics& diagnostics, std::string key)
{
  return {diagnostics.to_error(Errc::invalid_argument), std::move(key)};
}

}  // namespace

Result<Settings> parse_settings(std::string_view toml, std::string_view origin)
{
  const Position whole{std::string{origin}};
  if (toml.size() > kMaxSettingsBytes) {
    return fail(Errc::invalid_argument,
                whole.origin + ": longer than " + std::to_string(kMaxSettingsBytes) + " bytes");
  }
  Diagnostics diagnostics;
  auto document = read_toml(toml, origin, TomlContent::open, diagnostics);
  if (!document) return diagnostics.to_error(Errc::invalid_argument);
  const auto version = take_version(*document, whole);
  if (!version) return version.error();
  if (*version > kSettingsVersion) return too_new(whole, *version);
  migrate_settings(*document, *version, settings_steps());
  auto settings = read_document(*document, whole, diagnostics);
  if (!settings) return diagnostics.to_error(Errc::invalid_argument);
  return std::move(*settings);
}

std::string format_settings(const Settings& settings)
{
  std::string text{kVersionKey};
  text += " = " + std::to_string(kSettingsVersion) + "\n";
  std::string section;
  for (const auto& key : settings_schema().keys()) {
    if (section_of(key.name) != section) {
      section = section_of(key.name);
      text += "\n[" + section + "]\n";
    }
    const auto name = section.empty() ? key.name : key.name.substr(section.size() + 1);
    text += name + " = " + key.show(settings) + "\n";
  }
  return text;
}

std::vector<SettingText> setting_texts(const Settings& settings)
{
  std::vector<SettingText> texts;
  for (const auto& key : settings_schema().keys())
    texts.push_back({key.name, without_toml(key.show(settings))});
  return texts;
}

SettingsResult<Settings> with_changes(Settings settings, std::span<const SettingText> changes)
{
  Origins origins;
  Diagnostics diagnostics;
  const Position at{std::string{kOrigin}};
  for (const SettingText& change : changes) {
    const auto* key = settings_schema().find(change.key);
    if (key == nullptr) {
      settings_schema().complain_unknown(change.key, at, diagnostics);
    } else if (change.value.find_first_not_of(" \t") == std::string::npos) {
      key->copy(settings, Settings{});
    } else {
      settings_schema().set(*key, {at, Text{change.value}}, {settings, origins, diagnostics});
    }
    if (!diagnostics.empty()) return refusal(diagnostics, printable(change.key));
  }
  check_settings(settings, origins, diagnostics);
  if (diagnostics.empty()) return settings;
  // Two keys are at fault here; what was asked for is the one to name.
  return refusal(diagnostics, changes.empty() ? std::string{} : changes.back().key);
}

SettingsResult<void> check_supported(const Settings& settings)
{
  if (settings.dns == DnsMode::system) return {};
  return SettingsRefusal{
      fail(Errc::invalid_argument,
           "settings: dns.mode: this slopnd does not manage DNS yet; only \"system\" is possible"),
      "dns.mode"};
}

std::vector<std::string> changed_keys(const Settings& before, const Settings& after)
{
  std::vector<std::string> changed;
  for (const auto& key : settings_schema().keys()) {
    if (key.show(before) != key.show(after)) changed.push_back(key.name);
  }
  return changed;
}

std::vector<std::string> changed_for_later(const Settings& before, const Settings& after)
{
  auto changed = changed_keys(before, after);
  std::erase_if(changed, [](const std::string& name) {
    return settings_schema().find(name)->live == Live::yes;
  });
  return changed;
}

const std::vector<KeyInfo>& setting_infos()
{
  static const std::vector<KeyInfo> infos = key_infos(settings_schema(), Settings{});
  return infos;
}

std::string settings_as_markdown()
{
  std::string text =
      "| key | type | default | meaning | notices a change |\n|---|---|---|---|---|\n";
  for (const auto& key : setting_infos()) {
    text += "| `" + key.name + "` | " + key.type + " | `" + key.default_value + "` | " +
            key.description + " | " + (key.live ? "at once" : "the next connection") + " |\n";
  }
  return text;
}

}  // namespace slopn::config
