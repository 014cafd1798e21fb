#pragma once

#include <string_view>

namespace slopn {

/// What this program was built from. CMake writes the values: cmake/BuildInfo.cmake.
struct BuildInfo {
  std::string_view version;          ///< Of slopn: "0.1.0".
  std::string_view commit;           ///< Short git commit; empty when built outside a checkout.
  std::string_view tls_name;         ///< "AWS-LC" or "BoringSSL".
  std::string_view tls_version;      ///< "5.1.0", or "API 20" for BoringSSL, which has no releases.
  std::string_view ngtcp2_version;   ///< "1.24.0"
  std::string_view nghttp3_version;  ///< "1.17.0"
  std::string_view compiler;         ///< "GNU 12.2.0"
  std::string_view build_type;       ///< "Release", "RelWithDebInfo" or "Debug".
  std::string_view sanitizers;       ///< "address,undefined", "thread" or empty.

  /// One line per library: "name version SHA-256 suite", sorted; empty when the libraries came
  /// from the system and packaging/bootstrap.sh was not used.
  std::string_view dependencies;
};

[[nodiscard]] const BuildInfo& build_info() noexcept;

}  // namespace slopn
