#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "daemon/control/unix_listener.hpp"
#include "daemon/roles.hpp"

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

/// Empty when there is no such user.
[[nodiscard]] std::string user_name(uid_t uid);

/// Root and the daemon's own user: they may do everything, whatever was granted.
[[nodiscard]] bool is_always_admin(uid_t uid) noexcept;

/// The highest role that one of `grants` gives `peer`. A group counts when the process is in it or,
/// by the system's user database, the user. Without a grant there is none.
[[nodiscard]] daemon::Role role_of(const Peer& peer, const std::vector<daemon::Grant>& grants);

/// What members of `group` may do without further words: operate. Nothing for an empty name.
[[nodiscard]] std::vector<daemon::Grant> with_group(std::vector<daemon::Grant> grants,
                                                    const std::string& group);

/// Whom the socket's file must let connect so that all of `grants` can be used.
[[nodiscard]] SocketAccess access_for(const std::vector<daemon::Grant>& grants,
                                      const std::string& group);

}  // namespace slopn::control
