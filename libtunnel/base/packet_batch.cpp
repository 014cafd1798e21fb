#include "libtunnel/base/packet_batch.hpp"

#include <algorithm>

namespace slopn {

bool PacketBatch::append(ByteView packet) noexcept
{
  if (full() || packet.size() > max_packet_bytes_) return false;
  std::ranges::copy(packet, next_slot().begin());
  commit(packet.size());
  return true;
}

}  // namespace slopn
