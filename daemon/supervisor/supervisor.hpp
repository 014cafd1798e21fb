#pragma once

#include "daemon/commands.hpp"
#include "daemon/config/config.hpp"
#include "daemon/event_sink.hpp"
#include "libtunnel/base/async.hpp"

namespace slopn::daemon {

/// What `main` needs of a role, beside the calls it answers. All on the control thread.
class Supervisor : public Commands {
 public:
  /// Takes over those of `config`'s keys that can change while running (SIGHUP).
  virtual void change_config(const config::Config& config) = 0;

  /// Where to tell what happens from now on; `events` must outlive this. Until then nobody is told.
  virtual void send_events_to(EventSink& /*events*/) {}

  /// Ends everything and leaves the host as it was found. Once; then it may be destroyed.
  [[nodiscard]] virtual asio::awaitable<void> stop() = 0;
};

}  // namespace slopn::daemon
