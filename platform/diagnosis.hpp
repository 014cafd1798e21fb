#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/ip.hpp"

/// Looks for what keeps slopn from working well on this host, and says what to do about it.
namespace slopn::platform {

enum class Verdict {
  good,
  notice,   ///< Works, but not as well as it could.
  problem,  ///< Does not work.
  unknown,  ///< Could not be found out.
};

/// One thing that was looked at.
struct Finding {
  std::string check;  ///< One of `all_checks()`.
  Verdict verdict = Verdict::good;
  std::string summary;  ///< One line.
  std::string detail;   ///< What was seen; may be empty.
  std::string fix;      ///< What to do, a command where there is one; empty when all is well.

  friend bool operator==(const Finding&, const Finding&) = default;
};

/// What slopn wants of the host. The defaults are those of the configuration.
struct DiagnosisSubject {
  enum class Role { client, gateway };
  enum class Viewpoint {
    daemon,    ///< The rights of the calling thread are those that slopn has.
    outsider,  ///< Somebody else's: slopnctl's, when no daemon answers.
  };

  Role role = Role::client;
  Viewpoint viewpoint = Viewpoint::daemon;
  std::string interface_name = "slopn0";
  std::uint32_t mark = 0x736c6f70;
  std::uint32_t table = 0x736c6f70;
  std::uint32_t rule_priority = 4200;  ///< Of the first of three rules.
  std::uint32_t socket_buffer_bytes = 7 * 1024 * 1024;
  std::filesystem::path state_dir = "/var/lib/slopn";
  std::vector<std::filesystem::path> secret_files = {};  ///< Keys; nobody else may read them.
  std::vector<UdpEndpoint> gateways = {};  ///< Whom the outer path leads to, if known.
  bool tunnel_up = false;
};

/// A check's name, which is never given another meaning, and what it looks for.
struct DiagnosisCheck {
  std::string_view name;
  std::string_view question;
};

/// In the order in which findings come. docs/doctor.md explains each.
[[nodiscard]] std::span<const DiagnosisCheck> all_checks() noexcept;

[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;

/// Looks at the network namespace and with the rights of the calling thread; changes nothing and
/// waits for nobody. At least one finding for each check that means something for the role.
[[nodiscard]] std::vector<Finding> diagnose(const DiagnosisSubject& subject = {});

}  // namespace slopn::platform
