#include "daemon/control/log_hub.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "daemon/control/messages.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::control {
namespace {

v1::WatchLogsResponse to_response(const LogLine& line)
{
  v1::WatchLogsResponse response;
  *response.mutable_time() = to_timestamp(line.time);
  response.set_level(to_message(line.level));
  response.set_message(printable(line.text));
  return response;
}

}  // namespace

std::optional<spdlog::level::level_enum> to_level(v1::LogLevel level) noexcept
{
  switch (level) {
    case v1::LOG_LEVEL_DEBUG:
      return spdlog::level::debug;
    case v1::LOG_LEVEL_INFO:
      return spdlog::level::info;
    case v1::LOG_LEVEL_WARN:
      return spdlog::level::warn;
    case v1::LOG_LEVEL_ERROR:
      return spdlog::level::err;
    default:
      return std::nullopt;
  }
}

v1::LogLevel to_message(spdlog::level::level_enum level) noexcept
{
  if (level <= spdlog::level::debug) return v1::LOG_LEVEL_DEBUG;
  if (level == spdlog::level::info) return v1::LOG_LEVEL_INFO;
  if (level == spdlog::level::warn) return v1::LOG_LEVEL_WARN;
  return v1::LOG_LEVEL_ERROR;
}

bool LogHub::Filter::passes(const LogLine& line) const
{
  return line.level >= level && (contains.empty() || line.text.find(contains) != std::string::npos);
}

void LogHub::watch(const std::shared_ptr<LogCall>& call, const v1::WatchLogsRequest& request)
{
  deliver();  // so that nobody gets a line twice, and all stand at the same one
  Filter filter{to_level(request.level()).value_or(spdlog::level::trace), request.contains()};

  LogRing::Lines past = ring_->lines_after(0);
  std::erase_if(
      past, [&](const auto& line) { return line->number > delivered_ || !filter.passes(*line); });
  const std::size_t wanted = std::min<std::size_t>(past.size(), request.backlog());
  for (auto line = past.end() - static_cast<std::ptrdiff_t>(wanted); line != past.end(); ++line) {
    call->push(to_response(**line));
  }

  if (!request.follow()) return call->end_when_sent();
  readers_.push_back({call, std::move(filter)});
  wait_for_more();
  deliver();  // what came since, and woke nobody
}

void LogHub::clear()
{
  ring_->notify_once(nullptr);
  readers_.clear();
}

void LogHub::deliver()
{
  std::erase_if(readers_, [](const auto& reader) { return reader.call->ended(); });
  for (const auto& line : ring_->lines_after(delivered_)) {
    const std::uint64_t forgotten = line->number - delivered_ - 1;
    delivered_ = line->number;
    for (auto& reader : readers_) {
      // More was logged at once than is remembered; whether the filter lets it pass is unknown.
      reader.missed += forgotten;
      if (!reader.filter.passes(*line)) continue;
      auto response = to_response(*line);
      response.set_missed(std::exchange(reader.missed, 0));
      reader.call->push(std::move(response));
    }
  }
}

void LogHub::wait_for_more()
{
  ring_->notify_once([weak = weak_from_this(), control = control_] {
    asio::post(control, [weak] {
      const auto self = weak.lock();
      if (!self) return;
      // First of all, so that a line that comes meanwhile wakes us up again.
      if (!self->readers_.empty()) self->wait_for_more();
      self->deliver();
    });
  });
}

}  // namespace slopn::control
