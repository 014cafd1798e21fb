#include "libtunnel/quic/worker_steering.hpp"

namespace slopn::quic {

std::size_t worker_for(ByteView packet, std::size_t workers) noexcept
{
  if (packet.empty() || workers < 2) return 0;
  const bool is_long =
      (std::to_integer<std::uint8_t>(packet[0]) & WorkerSteering::kLongHeader) != 0;
  const std::size_t at = is_long ? WorkerSteering::kLongIdOffset : WorkerSteering::kShortIdOffset;
  return at < packet.size() ? std::to_integer<std::size_t>(packet[at]) % workers : 0;
}

}  // namespace slopn::quic
