#pragma once

#include <cstdint>
#include <span>

#include "libtunnel/base/bytes.hpp"

/// The ways there are to compute `sum_words()`; for tests, and for the choice between them.
namespace slopn::wire {

struct ChecksumVariant {
  const char* name = "";
  std::uint64_t (*sum)(ByteView bytes) noexcept = nullptr;
};

/// Runs everywhere.
[[nodiscard]] std::uint64_t sum_words_scalar(ByteView bytes) noexcept;

/// Those with wide instructions that this CPU has, the best first. May be empty.
[[nodiscard]] std::span<const ChecksumVariant> wide_checksum_variants() noexcept;

/// Takes a sum of 16-bit words in this machine's byte order, as wide instructions make it, to a sum
/// of words in network order. RFC 1071 section 2 (B): the order matters only at the end.
[[nodiscard]] std::uint64_t from_native_sum(std::uint64_t sum) noexcept;

}  // namespace slopn::wire
