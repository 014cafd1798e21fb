#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <memory>

#include "daemon/control/event_hub.hpp"
#include "libtunnel/base/clock.hpp"

namespace slopn::control {

/// Who called what, and what came of it: a line of the log, whatever the log's level, and an event.
/// Only on the control thread.
class AuditLog {
 public:
  /// Writes where `log` writes. `events` must outlive this.
  AuditLog(const spdlog::logger& log, EventHub& events);

  void write(const AuditEntry& entry);

  /// The same for a call that was refused. Anybody can cause these, so that beyond some in a while
  /// they are only counted; the count is written with the next one that is.
  void write_refused(const AuditEntry& entry, Clock::time_point now);

 private:
  const std::shared_ptr<spdlog::logger> log_;
  EventHub& events_;
  Clock::time_point window_end_{};
  std::uint32_t refused_in_window_ = 0;
  std::uint64_t unwritten_ = 0;
};

}  // namespace slopn::control
