#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slopn::daemon {

/// What a caller of the control API may do. Each includes those before it, so they can be compared.
enum class Role { none, read, operate, admin };

/// "read"; what the configuration and messages call it.
[[nodiscard]] constexpr std::string_view to_string(Role role) noexcept
{
  switch (role) {
    case Role::none:
      return "none";
    case Role::read:
      return "read";
    case Role::operate:
      return "operate";
    case Role::admin:
      return "admin";
  }
  return "none";
}

/// A role and who has it: one of these users, by name or number, or a member of one of these groups.
struct Grant {
  Role role = Role::none;
  std::vector<std::string> users = {};
  std::vector<std::string> groups = {};
  std::vector<std::uint32_t> uids = {};
  friend bool operator==(const Grant&, const Grant&) = default;
};

}  // namespace slopn::daemon
