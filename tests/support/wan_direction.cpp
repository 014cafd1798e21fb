#include "tests/support/wan_direction.hpp"

#include <algorithm>

namespace slopn::test {

std::span<std::byte> WanDirection::spare()
{
  if (free_.empty()) {
    slots_.push_back(std::make_unique<Slot>());
    free_.push_back(slots_.back().get());
  }
  return *free_.back();
}

bool WanDirection::is_full(std::size_t packet_bytes) const noexcept
{
  return in_flight_.size() >= kMostInFlight ||
         (shape_.queue_packets > 0 && queue_.size() >= shape_.queue_packets) ||
         (shape_.queue_bytes > 0 && queued_bytes_ + packet_bytes > shape_.queue_bytes);
}

// Puts a packet into the queue and returns when it will have left it.
WanDirection::Time WanDirection::send(std::size_t packet_bytes, Time now)
{
  if (shape_.rate_bits_per_s == 0) return now;
  const Time begins = queue_.empty() ? now : queue_.back().sent;
  const Time sent =
      begins + std::chrono::nanoseconds(packet_bytes * 8 * 1'000'000'000 / shape_.rate_bits_per_s);
  queue_.push_back({.sent = sent, .packet_bytes = packet_bytes});
  queued_bytes_ += packet_bytes;
  return sent;
}

void WanDirection::accept(std::size_t used_bytes, std::size_t packet_bytes, Time now)
{
  while (!queue_.empty() && queue_.front().sent <= now) {
    queued_bytes_ -= queue_.front().packet_bytes;
    queue_.pop_front();
  }
  if (is_full(packet_bytes)) {
    ++counters_.overflown;
    return;
  }
  const Time sent = send(packet_bytes, now);
  if (shape_.loss > 0 && chance_(random_) < shape_.loss) {
    ++counters_.lost;
    return;
  }
  static_cast<void>(spare());  // for a caller that did not ask for one
  in_flight_.push_back(
      {.due = sent + shape_.delay, .slot = free_.back(), .used_bytes = used_bytes});
  free_.pop_back();
  ++counters_.accepted;
  counters_.accepted_bytes += packet_bytes;
  counters_.peak_in_flight = std::max(counters_.peak_in_flight, in_flight_.size());
}

std::optional<WanDirection::Due> WanDirection::next() const
{
  if (in_flight_.empty()) return std::nullopt;
  const InFlight& front = in_flight_.front();
  return Due{.at = front.due, .bytes = std::span{*front.slot}.first(front.used_bytes)};
}

void WanDirection::pop()
{
  free_.push_back(in_flight_.front().slot);
  in_flight_.pop_front();
}

}  // namespace slopn::test
