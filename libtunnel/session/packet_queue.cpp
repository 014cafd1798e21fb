#include "libtunnel/session/packet_queue.hpp"

namespace slopn::session {

bool PacketQueue::push(ByteView packet)
{
  if (size_bytes_ + packet.size() > max_bytes_) return false;
  packets_.emplace_back(packet.begin(), packet.end());
  size_bytes_ += packet.size();
  return true;
}

void PacketQueue::pop()
{
  size_bytes_ -= packets_.front().size();
  packets_.pop_front();
  if (packets_.empty()) packets_.shrink_to_fit();
}

}  // namespace slopn::session
