#pragma once

#include <span>

#include "daemon/config/schema.hpp"
#include "daemon/config/settings.hpp"

/// The keys of the settings, and how texts of older versions become present ones.
namespace slopn::config {

/// Keys in the order in which a file has them: those of the root first, then section by section.
[[nodiscard]] const Schema<Settings>& settings_schema();

/// Complains about values that do not go together.
void check_settings(const Settings& settings, const Origins& origins, Diagnostics& diagnostics);

/// Changes the document of one version into that of the next: renames, adds what is new with the
/// value that means "as before". It meets whatever a file holds, so it must not rely on types.
using SettingsStep = void (*)(Table& document);

/// The first step leads from version 1 to 2, and so on. A new key, another name or another meaning
/// needs a step, a new golden file (tests/unit/daemon_config/settings) and nothing else. Steps are
/// never changed once they were released.
[[nodiscard]] std::span<const SettingsStep> settings_steps() noexcept;

/// Takes `document` from `version` (from 1 to the number of steps + 1) to the newest one.
void migrate_settings(Table& document, std::uint32_t version, std::span<const SettingsStep> steps);

}  // namespace slopn::config
