#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <utility>

#include "libtunnel/base/result.hpp"
#include "libtunnel/base/unique_fd.hpp"

namespace slopn::control {

/// Whom the socket's file lets connect. Who may do what is asked afterwards in any case.
enum class SocketAccess {
  group,    ///< Members of the group, beside root and our own user.
  everyone  ///< Every user: grants name some who are not in that group.
};

struct ListenerOptions {
  std::filesystem::path socket_path = "/run/slopn/slopnd.sock";
  /// Members of this group may connect; where there is no such group, only root and our own user.
  std::string group = "slopn";
  SocketAccess access = SocketAccess::group;
};

/// The daemon's control socket, listening, and the lock that makes this daemon the only one on it.
///
/// Opening it early in `main` is how a second daemon finds out before it touches anything. Callers
/// may connect from then on and wait until a `ControlServer` takes the listener.
/// Destroying it removes the socket and gives the lock away. The lock's file stays, as its removal
/// could never be safe.
class UnixListener {
 public:
  /// Makes the folder (0755) if it is missing, and the socket so that nobody ever meets it with
  /// other rights than its final ones. A socket that nobody listens on any more is replaced.
  ///
  /// Errc::busy when another daemon has it ("another slopnd is running (pid 4711)"),
  /// Errc::already_exists when something that is not a socket is in its place,
  /// Errc::platform_denied when others may write to the folder,
  /// Errc::invalid_argument when the path is relative or too long for a socket.
  [[nodiscard]] static Result<UnixListener> open(const ListenerOptions& options);

  /// Where the socket is made before it is moved to its place: one folder for each socket's name,
  /// because daemons with different sockets may share a folder and start at once.
  [[nodiscard]] static std::filesystem::path private_folder_for(
      const std::filesystem::path& socket_path);

  UnixListener(UnixListener&& other) noexcept { *this = std::move(other); }
  UnixListener& operator=(UnixListener&& other) noexcept;
  ~UnixListener();

  /// Removes the socket and takes no more callers. The lock is kept, so that no other daemon starts
  /// before this one has put everything back.
  void close() noexcept;

  /// Changes whom the file lets connect from now on. Does nothing once closed.
  [[nodiscard]] Result<> allow(SocketAccess access);

  /// Non-blocking; owned by this object. -1 once closed.
  [[nodiscard]] int socket_fd() const noexcept { return socket_.get(); }
  [[nodiscard]] const std::filesystem::path& socket_path() const noexcept { return path_; }
  /// Whether the socket could be given to the group; false without such a group.
  [[nodiscard]] bool group_may_connect() const noexcept { return group_may_connect_; }

 private:
  UnixListener() = default;

  std::filesystem::path path_;
  UniqueFd lock_;  // before socket_: released last
  UniqueFd socket_;
  dev_t device_ = 0;  // together with inode_: which file of that name is ours
  ino_t inode_ = 0;
  bool group_may_connect_ = false;
};

}  // namespace slopn::control
