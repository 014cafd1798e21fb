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
[[nodiscard]] Json to_json(const Failure& failure);  ///< {"error": {...}}

enum class Layout { lines, one_line };

/// Plain ASCII, so that nothing in it can act on a terminal. Never throws: what is not UTF-8 becomes
/// U+FFFD.
[[nodiscard]] std::string to_text(const Json& document, Layout layout);

}  // namespace slopn::cli
