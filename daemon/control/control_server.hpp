#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "daemon/commands.hpp"
#include "daemon/control/unix_listener.hpp"
#include "libtunnel/base/async.hpp"
#include "libtunnel/base/result.hpp"

namespace spdlog {
class logger;
}

namespace slopn::control {

struct LibraryVersion {
  std::string name;
  std::string version;
};

/// What GetVersion answers.
struct VersionInfo {
  std::string version;
  std::vector<LibraryVersion> libraries = {};
};

/// How much callers may take. More than that is refused with a message, and much more in silence.
struct ControlLimits {
  std::size_t connections_per_user = 64;
  std::size_t connections = 128;         ///< Of all users but root together.
  std::size_t refused_connections = 16;  ///< Held open to say why they are refused.
  std::size_t users = 16;                ///< Different users at the same time.
  std::size_t message_bytes = 64 * 1024;
  std::size_t pending_states = 64;  ///< Kept for a slow WatchStatus reader; older ones are missed.
  std::chrono::milliseconds idle_time{60'000};  ///< A connection without calls is closed then.
};

struct ControlOptions {
  std::string group = "slopn";  ///< Its members may call, beside root and the daemon's own user.
  VersionInfo version = {};
  ControlLimits limits = {};
};

/// The control API on a Unix socket: gRPC calls become calls of `daemon::Commands`.
///
/// Everything here belongs on the control thread, the one that runs `control`; so do all calls of
/// `Commands`. gRPC's own threads only hand calls over and carry answers away.
class ControlServer {
 public:
  /// Starts to accept callers. `commands` and `log` must outlive the server.
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>> start(
      UnixListener listener, ControlOptions options, daemon::Commands& commands,
      asio::any_io_executor control, std::shared_ptr<spdlog::logger> log);

  /// Stops if `stop` was not called, and lets another daemon have the socket's path.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Removes the socket, ends every call that is still open with UNAVAILABLE and waits, at most a
  /// second, for gRPC's threads to let go. `Commands` is not called again. No other daemon can take
  /// the path before the server is destroyed. May be called twice, but not from within `Commands`.
  void stop();

 private:
  class Impl;
  explicit ControlServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with handlers that are already posted
};

}  // namespace slopn::control
