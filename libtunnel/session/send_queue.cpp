#include "libtunnel/session/send_queue.hpp"

#include <random>

#include "libtunnel/core/queue/flow_hash.hpp"

namespace slopn::session {

std::uint64_t random_salt()
{
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

SendQueue::Waiting::Waiting(const offload::Segmenter& packet)
    : storage_(std::make_unique_for_overwrite<std::byte[]>(packet.first_bytes().size())),
      pieces_(packet.moved_to(storage_.get()))
{
}

bool SendQueue::Waiting::advance()
{
  pieces_.advance();
  return !pieces_.done();
}

SendQueue::SendQueue(std::size_t max_bytes, std::uint64_t salt)
    : queue_({.max_bytes = max_bytes}), salt_(salt)
{
}

void SendQueue::send(offload::Segmenter packet, const wire::IpHeader& header, TunnelPath& path,
                     Outbox& outbox, Clock::time_point now)
{
  if (queue_.empty()) {
    while (!packet.done() && path.send(packet.piece(), outbox, now) == TunnelPath::Sent::taken)
      packet.advance();
    if (packet.done()) return;
  }
  const std::uint32_t flow = queue::flow_hash(header, packet.first_bytes(), salt_);
  path.count_drop(DropReason::congestion, queue_.push(Waiting{packet}, flow, now));
}

void SendQueue::send_queued(TunnelPath& path, Outbox& outbox, Clock::time_point now)
{
  if (queue_.empty()) return;
  const auto dropped_before = queue_.counters().codel_drops;
  while (Waiting* next = queue_.front(now)) {
    if (path.send(next->piece(), outbox, now) == TunnelPath::Sent::blocked) break;
    queue_.pop();
  }
  path.count_drop(DropReason::congestion, queue_.counters().codel_drops - dropped_before);
}

}  // namespace slopn::session
