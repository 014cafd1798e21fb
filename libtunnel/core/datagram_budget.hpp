#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace slopn {

/// What one UDP datagram costs us before the first tunnelled byte.
struct DatagramBudget {
  std::size_t udp_payload_bytes = 0;  ///< Path MTU less IP and UDP headers; RFC 9000 section 14.
  std::size_t dcid_bytes = 0;         ///< Connection ID length, 0 to 20; RFC 9000 section 17.2.
  std::uint64_t stream_id = 0;        ///< Of the CONNECT-IP request; RFC 9297 section 2.1.
  std::uint64_t context_id = 0;       ///< RFC 9484 section 6; 0 carries IP packets.
  std::size_t peer_max_datagram_frame_bytes = 65535;  ///< RFC 9221 section 3.
};

/// IPv6 must be able to carry this; RFC 8200 section 5 and RFC 9484 section 7.1.
inline constexpr std::size_t kMinIpV6MtuBytes = 1280;

/// Longest IP packet, in bytes, that fits into a single DATAGRAM frame.
///
/// The QUIC packet around it, with sizes in bytes (RFC 9000 section 17.3.1, RFC 9221 section 4,
/// RFC 9297 section 2.1, RFC 9484 section 6):
///
///     | flags 1 | dcid | packet number 4 | type 1 | length 2 |
///         quarter stream id 1-8 | context id 1-8 | IP packet | AEAD tag 16 |
///
/// The packet number is taken at its longest, so the answer never changes during a connection.
/// Returns nullopt when nothing would fit; the caller then refuses the path, because a tunnel
/// never fragments.
[[nodiscard]] std::optional<std::size_t> max_inner_packet_bytes(
    const DatagramBudget& budget) noexcept;

/// The other way round: the UDP payload that carries an inner packet of `inner_packet_bytes`.
/// `budget.udp_payload_bytes` and `budget.peer_max_datagram_frame_bytes` are not looked at.
[[nodiscard]] std::size_t udp_payload_bytes_for(std::size_t inner_packet_bytes,
                                                const DatagramBudget& budget) noexcept;

}  // namespace slopn
