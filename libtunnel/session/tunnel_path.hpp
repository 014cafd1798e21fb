#pragma once

#include <optional>
#include <span>

#include "libtunnel/base/clock.hpp"
#include "libtunnel/core/drop_reason.hpp"
#include "libtunnel/core/offload/segmenter.hpp"
#include "libtunnel/core/source_filter.hpp"
#include "libtunnel/core/wire/http_datagram.hpp"
#include "libtunnel/core/wire/icmp.hpp"
#include "libtunnel/quic/http3_connection.hpp"
#include "libtunnel/session/outlet.hpp"

namespace slopn::session {

/// Inner packets and bytes that went through; drops beside them.
struct TrafficCounters {
  std::uint64_t sent_packets = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_packets = 0;
  std::uint64_t received_bytes = 0;
  DropCounters drops;

  TrafficCounters& operator+=(const TrafficCounters& other) noexcept;
};

/// The packets of one accepted CONNECT-IP request: between whole IP packets and the HTTP datagrams
/// that carry them. Both ends of a tunnel use it; what is allowed differs and is theirs to check.
class TunnelPath {
 public:
  TunnelPath(quic::QuicConnection& connection, quic::StreamId stream)
      : connection_(connection), stream_(stream), prefix_(static_cast<std::uint64_t>(stream))
  {
  }

  /// Longest inner packet in bytes that fits at present.
  [[nodiscard]] std::size_t mtu_bytes() const noexcept;

  enum class Sent : std::uint8_t {
    taken,    ///< On its way, or dropped for good and counted.
    blocked,  ///< The congestion window is full; offer it again.
  };
  /// Puts one packet into the outbox. One longer than `mtu_bytes()` is dropped.
  [[nodiscard]] Sent send(const offload::Segmenter::Piece& packet, Outbox& outbox,
                          Clock::time_point now);

  /// The IP packet in `datagram`; nullopt when it carries none for this request, which is counted.
  /// A datagram that breaks HTTP/3 closes the connection (RFC 9297 section 2.1).
  [[nodiscard]] std::optional<ByteView> unwrap(ByteView datagram);

  void count_received(std::size_t packet_bytes) noexcept
  {
    ++counters_.received_packets;
    counters_.received_bytes += packet_bytes;
  }
  void count_drop(DropReason reason, std::uint64_t packets = 1) noexcept
  {
    counters_.drops.count(reason, packets);
  }
  [[nodiscard]] const TrafficCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] quic::StreamId stream() const noexcept { return stream_; }

 private:
  quic::QuicConnection& connection_;
  quic::StreamId stream_;
  wire::HttpDatagramPrefix prefix_;
  TrafficCounters counters_;
};

}  // namespace slopn::session
