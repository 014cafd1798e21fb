#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace slopn::control {

/// Who is at the other end of a Unix socket, as the kernel noted when it connected.
struct Peer {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
  std::vector<gid_t> groups = {};  ///< Supplementary ones of the process; empty before Linux 4.13.
};

/// nullopt for a socket without a peer.
[[nodiscard]] std::optional<Peer> peer_of(int socket_fd);

/// nullopt when there is no such group, as for an empty name.
[[nodiscard]] std::optional<gid_t> find_group(const std::string& name);

/// Why `peer` may not call, with what to do about it; nullopt when it may: root, the daemon's own
/// user, and whoever is in `group`, be it the process or, by the system's user database, the user.
[[nodiscard]] std::optional<std::string> why_refused(const Peer& peer, const std::string& group);

}  // namespace slopn::control
