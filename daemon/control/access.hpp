#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace slopn::control {

/// nullopt when there is no such group, as for an empty name.
[[nodiscard]] std::optional<gid_t> find_group(const std::string& name);

/// Why `uid` may not call, with what to do about it; nullopt when it may: root, the daemon's own
/// user, and whoever is in `group`, be it as the primary group or by the list of members.
///
/// Asks the system's user database, so the answer follows it without a restart.
[[nodiscard]] std::optional<std::string> why_refused(uid_t uid, gid_t gid,
                                                     const std::string& group);

}  // namespace slopn::control
