#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "daemon/commands.hpp"
#include "daemon/control/event_hub.hpp"
#include "daemon/control/log_ring.hpp"
#include "daemon/control/unix_listener.hpp"
#include "daemon/roles.hpp"
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
  std::size_t refused_connections = 16;  ///< Of callers without a role, and to say why too many.
  std::size_t users = 16;                ///< Different users at the same time.
  std::size_t message_bytes = 256 * 1024;
  std::size_t streams_per_user = 16;
  std::size_t streams = 64;          ///< Of all users but root together.
  std::size_t pending_items = 1024;  ///< Kept for a slow reader of a stream; older ones are missed.
  std::size_t pending_bytes = 512 * 1024;
  std::chrono::milliseconds first_byte_time{5'000};  ///< Who only connects is gone then.
  std::chrono::milliseconds idle_time{60'000};       ///< A connection without calls is closed then.
};

struct ControlOptions {
  std::string group = "slopn";             ///< Its members have the role operate.
  std::vector<daemon::Grant> grants = {};  ///< Who else has which role.
  VersionInfo version = {};
  ControlLimits limits = {};
};

/// What the API shows and drives. `commands` and `events` must outlive the server.
struct ControlParts {
  daemon::Commands& commands;
  EventHub& events;
  std::shared_ptr<LogRing> log_ring;  ///< A sink of `log`: what WatchLogs shows.
  std::shared_ptr<spdlog::logger> log;
};

/// The control API on a Unix socket: gRPC calls become calls of `daemon::Commands`.
///
/// Everything here belongs on the control thread, the one that runs `control`; so do all calls of
/// `Commands`. gRPC's own threads only hand calls over and carry answers away.
class ControlServer {
 public:
  /// Starts to accept callers.
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>> start(UnixListener listener,
                                                                    ControlOptions options,
                                                                    ControlParts parts,
                                                                    asio::any_io_executor control);

  /// Stops if `stop` was not called, and lets another daemon have the socket's path.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Takes other grants. Callers whose role rests on the old ones must connect again.
  void change_grants(std::vector<daemon::Grant> grants);

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
