#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace slopn::test {

/// What keeps `document` from being what docs/schemas/`schema` describes; empty when nothing does.
///
/// Knows the keywords of JSON Schema that our schemas use, and complains about any other. It asks
/// for more than the standard does: a field that no schema mentions is an error too, so that none
/// is printed without being described.
[[nodiscard]] std::vector<std::string> schema_errors(const nlohmann::json& document,
                                                     const std::string& schema);

}  // namespace slopn::test
