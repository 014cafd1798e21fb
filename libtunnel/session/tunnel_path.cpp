#include "libtunnel/session/tunnel_path.hpp"

#include <array>

namespace slopn::session {

TrafficCounters& TrafficCounters::operator+=(const TrafficCounters& other) noexcept
{
  sent_packets += other.sent_packets;
  sent_bytes += other.sent_bytes;
  received_packets += other.received_packets;
  received_bytes += other.received_bytes;
  drops += other.drops;
  return *this;
}

std::size_t TunnelPath::mtu_bytes() const noexcept
{
  const std::size_t fits = connection_.max_datagram_bytes();
  const std::size_t overhead = prefix_.view().size();
  return fits > overhead ? fits - overhead : 0;
}

TunnelPath::Sent TunnelPath::send(const offload::Segmenter::Piece& packet, Outbox& outbox,
                                  Clock::time_point now)
{
  if (connection_.ending() || packet.packet_bytes() > mtu_bytes()) {
    count_drop(connection_.ending() ? DropReason::tunnel_down : DropReason::too_big);
    return Sent::taken;
  }
  const std::array pieces = {prefix_.view(), packet.header, packet.payload};
  while (!connection_.write_datagram(pieces, outbox.train(), now)) {
    // A pending acknowledgement may have taken the train's last place.
    if (!outbox.full()) return Sent::blocked;
  }
  ++counters_.sent_packets;
  counters_.sent_bytes += packet.packet_bytes();
  return Sent::taken;
}

std::optional<ByteView> TunnelPath::unwrap(ByteView datagram)
{
  const auto parsed = wire::parse_http_datagram(datagram);
  if (!parsed) {
    connection_.close(quic::kH3DatagramError, fail(Errc::protocol_violation, "HTTP datagram"));
    return std::nullopt;
  }
  if (parsed->stream_id != static_cast<std::uint64_t>(stream_)) {
    count_drop(DropReason::unknown_stream);
    return std::nullopt;
  }
  if (parsed->context_id != wire::kIpPacketContext) {
    count_drop(DropReason::unknown_context);
    return std::nullopt;
  }
  return parsed->payload;
}

}  // namespace slopn::session
