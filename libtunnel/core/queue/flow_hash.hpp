#pragma once

#include <cstdint>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/core/wire/ip_packet.hpp"

namespace slopn::queue {

/// A number for the flow that a packet belongs to: protocol, addresses and, where there are any,
/// ports. All fragments of a packet have one number, without ports: only the first has them.
///
/// `salt` is secret and random, so that nobody outside can choose flows that share a queue, with
/// each other or with a victim: SipHash-1-3 (a 64-bit key is plenty for 32 bits that are never
/// shown). `header` is what `parse_ip_header()` made of `first_bytes`, which may be only the
/// beginning of the packet; a port that lies outside of them is left out.
[[nodiscard]] std::uint32_t flow_hash(const wire::IpHeader& header, ByteView first_bytes,
                                      std::uint64_t salt) noexcept;

}  // namespace slopn::queue
