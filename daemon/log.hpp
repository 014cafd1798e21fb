#pragma once

#include <memory>
#include <vector>

#include "daemon/config/config.hpp"

namespace spdlog {
class logger;
namespace sinks {
class sink;
}
}  // namespace spdlog

namespace slopn::daemon {

/// The daemon's log: standard error, one line an event, in text or JSON; and to `others`.
[[nodiscard]] std::shared_ptr<spdlog::logger> make_log(
    const config::LogConfig& config,
    const std::vector<std::shared_ptr<spdlog::sinks::sink>>& others = {});

void set_level(spdlog::logger& log, config::LogLevel level);

}  // namespace slopn::daemon
