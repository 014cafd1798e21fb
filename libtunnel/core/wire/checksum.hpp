#pragma once

#include <cstdint>

#include "libtunnel/base/bytes.hpp"

namespace slopn::wire {

/// The one's complement sum of `bytes` as 16-bit words in network order (RFC 1071), not folded and
/// not complemented; the last byte of an odd length counts as if a zero followed. Uses the widest
/// instructions that the CPU has, found out once. To be finished by `fold()`; `internet_checksum()`
/// in ip_packet.hpp does both.
[[nodiscard]] std::uint64_t sum_words(ByteView bytes) noexcept;

/// Folds an unfolded sum to 16 bits, without complementing it.
[[nodiscard]] std::uint16_t fold(std::uint64_t sum) noexcept;

/// Which instructions `sum_words` uses on this machine: "avx512", "avx2", "neon" or "scalar".
[[nodiscard]] const char* checksum_instructions() noexcept;

}  // namespace slopn::wire
