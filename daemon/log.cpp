#include "daemon/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <array>

namespace slopn::daemon {
namespace {

// The message as a JSON string, quotes included.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override
  {
    out.push_back('"');
    for (const char c : message.payload) append_escaped(c, out);
    out.push_back('"');
  }
  std::unique_ptr<custom_flag_formatter> clone() const override
  {
    return std::make_unique<JsonMessage>();
  }

 private:
  static void append_escaped(char c, spdlog::memory_buf_t& out)
  {
    constexpr std::string_view kHexDigits = "0123456789abcdef";
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (code < 0x20) {
      for (const char part : {'\\', 'u', '0', '0', kHexDigits[code >> 4U], kHexDigits[code & 15U]})
        out.push_back(part);
    } else {
      out.push_back(c);
    }
  }
};

}  // namespace

std::shared_ptr<spdlog::logger> make_log(
    const config::LogConfig& config,
    const std::vector<std::shared_ptr<spdlog::sinks::sink>>& others)
{
  auto log = std::make_shared<spdlog::logger>(
      "slopnd", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  log->sinks().insert(log->sinks().end(), others.begin(), others.end());
  if (config.format == config::LogFormat::json) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%*})");
    log->set_formatter(std::move(formatter));
  } else {
    log->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  }
  set_level(*log, config.level);
  log->flush_on(spdlog::level::trace);
  return log;
}

void set_level(spdlog::logger& log, config::LogLevel level)
{
  switch (level) {
    case config::LogLevel::error:
      return log.set_level(spdlog::level::err);
    case config::LogLevel::warn:
      return log.set_level(spdlog::level::warn);
    case config::LogLevel::info:
      return log.set_level(spdlog::level::info);
    case config::LogLevel::debug:
      return log.set_level(spdlog::level::debug);
  }
}

}  // namespace slopn::daemon
