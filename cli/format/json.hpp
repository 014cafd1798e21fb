#pragma once

#include <nlohmann/json.hpp>

#include "cli/exit_code.hpp"

/// The documents that `--json` prints: docs/slopnctl.md describes them, and tests keep them so.
/// Fields are added, never renamed or removed. Times are UTC; quantities carry their unit.
namespace slopn::cli {

/// Keeps the order in which fields are set.
using Json = nlohmann::ordered_json;

[[nodiscard]] Json to_json(const v1::Status& status);
[[nodiscard]] Json to_json(const v1::WatchStatusResponse& change);
[[nodiscard]] Json to_json(const v1::Profile& profile);
[[nodiscard]] Json to_json(const v1::Session& session);
[[nodiscard]] Json to_json(const v1::GetVersionResponse& version);
[[nodiscard]] Json to_json(const v1::GetCallerResponse& caller);
[[nodiscard]] Json to_json(const v1::WatchEventsResponse& item);
[[nodiscard]] Json to_json(const v1::WatchLogsResponse& line);
[[nodiscard]] Json to_json(const v1::GetSettingsResponse& settings);
[[nodiscard]] Json to_json(const v1::Settings& settings);
[[nodiscard]] Json to_json(const v1::Finding& finding);
[[nodiscard]] Json to_json(const Failure& failure);  ///< {"error": {...}}

/// Names in JSON and for people: "none", "read", "operate", "admin".
[[nodiscard]] std::string role_name(v1::Role role);
/// "debug", "info", "warn", "error"; "unknown" otherwise.
[[nodiscard]] std::string level_name(v1::LogLevel level);
/// "good", "notice", "problem", "unknown".
[[nodiscard]] std::string verdict_name(v1::Finding::Verdict verdict);
/// "resolving", "handshaking", "authenticating", "configuring"; empty for UNSPECIFIED.
[[nodiscard]] std::string phase_name(v1::ClientStatus::Connecting::Phase phase);

enum class Layout { lines, one_line };

/// Plain ASCII, so that nothing in it can act on a terminal. Never throws: what is not UTF-8 becomes
/// U+FFFD.
[[nodiscard]] std::string to_text(const Json& document, Layout layout);

}  // namespace slopn::cli
