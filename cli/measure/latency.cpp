#include "cli/measure/latency.hpp"

#include <algorithm>
#include <cmath>

namespace slopn::cli {

using std::chrono::microseconds;

std::optional<LatencySummary> summarize(std::vector<microseconds> round_trips)
{
  if (round_trips.empty()) return std::nullopt;
  std::ranges::sort(round_trips);
  const std::size_t count = round_trips.size();
  double sum = 0;
  double squares = 0;
  for (const microseconds one : round_trips) {
    const auto us = static_cast<double>(one.count());
    sum += us;
    squares += us * us;
  }
  const double average = sum / static_cast<double>(count);
  const double variance = std::max(squares / static_cast<double>(count) - average * average, 0.0);
  LatencySummary summary;
  summary.min = round_trips.front();
  summary.max = round_trips.back();
  summary.average = microseconds{std::llround(average)};
  summary.deviation = microseconds{std::llround(std::sqrt(variance))};
  summary.median = round_trips[(count - 1) / 2];
  summary.p99 = round_trips[(count * 99 + 99) / 100 - 1];
  return summary;
}

measure::Echo EchoLog::next(Instant now)
{
  sent_.emplace_back(now);
  return {measure::Echo::Kind::request, test_, sent_.size()};
}

std::optional<EchoLog::Reply> EchoLog::take(ByteView packet, Instant now)
{
  const auto echo = measure::parse_echo(packet);
  if (!echo || echo->kind != measure::Echo::Kind::reply || echo->test != test_) return std::nullopt;
  if (echo->sequence == 0 || echo->sequence > sent_.size()) return std::nullopt;
  auto& sent = sent_[static_cast<std::size_t>(echo->sequence - 1)];
  if (!sent) return std::nullopt;
  const Reply reply{echo->sequence, std::chrono::duration_cast<microseconds>(now - *sent)};
  sent.reset();
  round_trips_.push_back(reply.round_trip);
  return reply;
}

EchoResult EchoLog::result() const
{
  return {sent_.size(), round_trips_.size(), summarize(round_trips_)};
}

}  // namespace slopn::cli
