#include "daemon/control/log_ring.hpp"

#include <algorithm>
#include <utility>

namespace slopn::control {

LogRing::Lines LogRing::lines_after(std::uint64_t number)
{
  const std::lock_guard lock{mutex_};
  const auto first = std::partition_point(lines_.begin(), lines_.end(),
                                          [&](const auto& line) { return line->number <= number; });
  return {first, lines_.end()};
}

void LogRing::notify_once(std::function<void()> notify)
{
  const std::lock_guard lock{mutex_};
  notify_ = std::move(notify);
}

void LogRing::sink_it_(const spdlog::details::log_msg& message)
{
  const std::string_view text{message.payload.data(), message.payload.size()};
  auto line = std::make_shared<LogLine>();
  line->number = ++latest_;
  line->time = std::chrono::time_point_cast<std::chrono::system_clock::duration>(message.time);
  line->level = message.level;
  line->text = text.substr(0, limits_.line_bytes);
  bytes_ += line->text.size();
  lines_.push_back(std::move(line));
  while (lines_.size() > 1 && (lines_.size() > limits_.lines || bytes_ > limits_.bytes)) {
    bytes_ -= lines_.front()->text.size();
    lines_.pop_front();
  }
  if (const auto notify = std::exchange(notify_, nullptr)) notify();
}

}  // namespace slopn::control
