#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/control/log_ring.hpp"
#include "daemon/control/stream_call.hpp"
#include "libtunnel/base/async.hpp"
#include "slopn/control/v1/control.pb.h"

namespace slopn::control {

using LogCall = StreamCall<v1::WatchLogsResponse>;

/// nullopt for UNSPECIFIED and for what a newer caller may send.
[[nodiscard]] std::optional<spdlog::level::level_enum> to_level(v1::LogLevel level) noexcept;
[[nodiscard]] v1::LogLevel to_message(spdlog::level::level_enum level) noexcept;

/// Everyone who watches the log. Only on the control thread, which the ring wakes up when there is
/// something new: lines may come from any thread, and gRPC must not be called while one is written.
class LogHub : public std::enable_shared_from_this<LogHub> {
 public:
  LogHub(std::shared_ptr<LogRing> ring, asio::any_io_executor control)
      : ring_(std::move(ring)), control_(std::move(control))
  {
  }

  /// Sends the backlog that `request` asks for, and then every new line if it wants to follow.
  void watch(const std::shared_ptr<LogCall>& call, const v1::WatchLogsRequest& request);
  /// Forgets who watches.
  void clear();

 private:
  struct Filter {
    spdlog::level::level_enum level;
    std::string contains;
    [[nodiscard]] bool passes(const LogLine& line) const;
  };
  struct Reader {
    std::shared_ptr<LogCall> call;
    Filter filter;
    std::uint64_t missed = 0;  // to be told with the next line
  };

  void deliver();
  void wait_for_more();

  const std::shared_ptr<LogRing> ring_;
  const asio::any_io_executor control_;
  std::uint64_t delivered_ = 0;
  std::vector<Reader> readers_;
};

}  // namespace slopn::control
