#include "daemon/supervisor/settings_shelf.hpp"

#include <spdlog/logger.h>

#include <utility>

namespace slopn::daemon {
namespace {

constexpr std::string_view kRepair =
    "traffic is blocked and nothing connects by itself until an administrator repairs it: "
    "slopnctl settings set or import";

std::string joined(const std::vector<std::string>& words)
{
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

}  // namespace

SettingsShelf::SettingsShelf(std::filesystem::path file, FindProfile find_profile,
                             std::shared_ptr<spdlog::logger> log)
    : store_(std::move(file)), find_profile_(std::move(find_profile)), log_(std::move(log))
{
  auto [settings, problem] = store_.load();
  current_ = std::move(settings);
  if (!problem) return;
  problem_ = problem->message();
  log_->error("settings: {}; {}", problem_, kRepair);
}

SettingsReport SettingsShelf::report() const
{
  return {current_, config::setting_texts(current_), problem_};
}

config::SettingsResult<void> SettingsShelf::update(const std::vector<config::SettingText>& changes)
{
  auto settings = config::with_changes(current_, changes);
  if (!settings) return settings.error();
  return take(std::move(*settings));
}

config::SettingsResult<void> SettingsShelf::replace(const std::string& text)
{
  auto settings = config::parse_settings(text, "settings");
  if (!settings) return config::SettingsRefusal{settings.error(), {}};
  return take(std::move(*settings));
}

config::SettingsResult<void> SettingsShelf::take(config::Settings settings)
{
  if (auto supported = config::check_supported(settings); !supported) return supported;
  const bool other_profile = settings.auto_connect != current_.auto_connect;
  if (other_profile && !settings.auto_connect.empty()) {
    if (auto found = find_profile_(settings.auto_connect); !found) {
      return config::SettingsRefusal{
          fail(Errc::invalid_argument, "settings: auto_connect: " + found.error().message()),
          "auto_connect"};
    }
  }
  if (problem_.empty() && settings == current_) return {};
  if (auto saved = store_.save(settings); !saved)
    return config::SettingsRefusal{std::move(saved.error()).within("store the settings"), {}};
  log_->info("settings: changed keys={}", joined(config::changed_keys(current_, settings)));
  if (!problem_.empty()) log_->info("settings: repaired, the old file is kept");
  current_ = std::move(settings);
  problem_.clear();
  return {};
}

}  // namespace slopn::daemon
