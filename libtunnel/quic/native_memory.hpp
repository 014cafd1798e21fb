#pragma once

#include <ngtcp2/ngtcp2.h>

namespace slopn::quic {

/// Where connections take their memory from. ngtcp2 allocates an entry for each packet in flight
/// and frees it when that is acknowledged; here such small pieces stay with the thread, which all
/// its connections share, so that in steady state the heap is not asked.
[[nodiscard]] const ngtcp2_mem* native_memory() noexcept;

}  // namespace slopn::quic
