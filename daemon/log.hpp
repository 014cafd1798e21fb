#pragma once

#include <memory>

#include "daemon/config/config.hpp"

namespace spdlog {
class logger;
}

namespace slopn::daemon {

/// The daemon's log: standard error, one line an event, in text or JSON.
[[nodiscard]] std::shared_ptr<spdlog::logger> make_log(const config::LogConfig& config);

void set_level(spdlog::logger& log, config::LogLevel level);

}  // namespace slopn::daemon
