#pragma once

#include <cstddef>
#include <cstdint>

#include "libtunnel/base/bytes.hpp"

namespace slopn::quic {

/// Which of a gateway's workers an outer packet belongs to, told by one byte of it: the first of
/// its destination connection ID, modulo the number of workers.
///
/// `ConnectionIdFactory` puts the worker's number there, so that a connection keeps its worker
/// whatever becomes of the client's address. A client's first packets carry an ID that it chose by
/// chance (RFC 9000 section 7.2), the same one in each: they spread over the workers, and those of
/// one handshake stay together.
struct WorkerSteering {
  static constexpr std::size_t kMaxWorkers = 64;

  static constexpr std::uint8_t kLongHeader = 0x80;  ///< In the first byte.
  static constexpr std::size_t kShortIdOffset = 1;   ///< RFC 9000 section 17.3.1
  static constexpr std::size_t kLongIdOffset = 6;    ///< RFC 8999 section 5.1
};

/// The worker for a UDP payload, from 0 to `workers` - 1; 0 for what is too short to tell.
/// The kernel runs the same rule (`libtunnel/io/reuse_port.hpp`).
[[nodiscard]] std::size_t worker_for(ByteView packet, std::size_t workers) noexcept;

}  // namespace slopn::quic
