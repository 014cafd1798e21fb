#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "daemon/commands.hpp"

namespace slopn::control {

/// Which sockets gRPC holds for us, and who is at their other end. Control thread only.
///
/// gRPC owns a socket once it has it and does not say when it closes it. So each is remembered
/// with its inode number: a descriptor that is now something else was closed.
class Connections {
 public:
  enum class Kind {
    served,
    stranger,  ///< Served too, but without a role: it may ask for next to nothing.
    refused
  };

  struct Count {
    std::size_t of_user = 0;      ///< Served, of the user in question.
    std::size_t of_non_root = 0;  ///< Served, of all users but root.
    std::size_t refused = 0;      ///< And strangers.
    std::size_t dying = 0;  ///< The caller has gone, gRPC has not noticed; in no other number.
  };

  /// Remembers a socket that gRPC is about to get.
  void add(int fd, const daemon::Caller& caller, Kind kind);

  /// Forgets what was closed, and counts the rest.
  [[nodiscard]] Count count(uid_t uid);
  /// Whether one of `uid` is not refused.
  [[nodiscard]] bool has_served(uid_t uid) const;

  /// The caller at the other end of what gRPC calls "fd:7". Only if it is `uid`, who is known for
  /// certain; otherwise, as when the socket is closed already, group and process are unknown.
  [[nodiscard]] daemon::Caller find(std::string_view peer, uid_t uid) const;

 private:
  struct Entry {
    std::uint64_t inode;
    daemon::Caller caller;
    Kind kind;
  };
  std::unordered_map<int, Entry> entries_;
};

}  // namespace slopn::control
