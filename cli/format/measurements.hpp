#pragma once

#include <string>

#include "cli/format/json.hpp"
#include "cli/format/terminal.hpp"
#include "cli/measure/latency.hpp"
#include "cli/measure/load.hpp"

/// What `ping` and `speedtest` print.
namespace slopn::cli {

/// One direction of a speed test, and the echoes that ran beside it.
struct DirectionResult {
  Load load;
  EchoResult echoes;
};

struct SpeedResult {
  std::string gateway;  ///< Inner, "10.0.0.1:5202".
  std::string interface_name;
  unsigned streams = 0;
  EchoResult idle;
  std::optional<DirectionResult> download;  ///< Absent when not asked for.
  std::optional<DirectionResult> upload;
};

struct PingResult {
  std::string gateway;
  std::string interface_name;
  EchoResult echoes;
};

/// "843.1 Mbit/s"; always this unit, so that figures can be compared.
[[nodiscard]] std::string rate_text(std::uint64_t bits_per_s);

/// "0.213 ms"
[[nodiscard]] std::string milliseconds_text(std::chrono::microseconds time);

[[nodiscard]] std::string reply_line(const std::string& address, const EchoLog::Reply& reply);
[[nodiscard]] std::string ping_text(const PingResult& result, const Style& style);
[[nodiscard]] Json to_json(const PingResult& result);

[[nodiscard]] std::string speed_text(const SpeedResult& result, const Style& style);
[[nodiscard]] Json to_json(const SpeedResult& result);

}  // namespace slopn::cli
