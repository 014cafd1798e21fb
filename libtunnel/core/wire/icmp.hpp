#pragma once

#include <cstddef>
#include <cstdint>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/clock.hpp"
#include "libtunnel/base/ip.hpp"

namespace slopn::wire {

/// Why a packet was not delivered, as ICMP can say it (RFC 792, RFC 1812, RFC 4443).
enum class Unreachable : std::uint8_t {
  no_route,       ///< IPv4 type 3 code 0, IPv6 type 1 code 0.
  prohibited,     ///< IPv4 type 3 code 13, IPv6 type 1 code 1.
  address,        ///< IPv4 type 3 code 1, IPv6 type 1 code 3.
  source_policy,  ///< The source address is not the sender's: IPv6 code 5; IPv4 says 13.
};

/// An answer never takes more than this: IPv4 576 bytes (RFC 1812), IPv6 1280 (RFC 4443).
inline constexpr std::size_t kMaxIcmpErrorBytes = 1280;

/// These write an ICMP error, a whole IP packet from `from` to the source of `offending`, to the
/// start of `out` and return its length in bytes.
///
/// 0 means that there is no answer: `offending` is no IP packet, an ICMP error itself, a fragment
/// other than the first, from or to a group, from nobody (unspecified or loopback), or `from` is
/// of the other IP version; or `out` (kMaxIcmpErrorBytes are always enough) is too short.
/// RFC 1122 section 3.2.2 and RFC 4443 section 2.4(e).
[[nodiscard]] std::size_t build_unreachable(MutableByteView out, ByteView offending,
                                            const IpAddress& from, Unreachable why) noexcept;
[[nodiscard]] std::size_t build_time_exceeded(MutableByteView out, ByteView offending,
                                              const IpAddress& from) noexcept;
/// IPv4: Fragmentation Needed (type 3 code 4, RFC 1191). IPv6: Packet Too Big (type 2).
/// `mtu_bytes` is the longest inner packet that would have fitted; IPv6 never says less than 1280.
[[nodiscard]] std::size_t build_too_big(MutableByteView out, ByteView offending,
                                        const IpAddress& from, std::size_t mtu_bytes) noexcept;

/// How many ICMP errors may still be sent: a token bucket, because RFC 4443 section 2.4(f) wants
/// a limit and because answers to forged packets hit somebody else.
class IcmpRateLimiter {
 public:
  /// `per_second` and `burst` must not be 0.
  explicit IcmpRateLimiter(std::uint32_t per_second = 100, std::uint32_t burst = 50) noexcept;

  /// Whether one may be sent now; takes it off the budget. `now` never goes back.
  [[nodiscard]] bool allow(Clock::time_point now) noexcept;

 private:
  Clock::duration cost_;      // of one answer
  Clock::duration capacity_;  // the most that can be saved up
  Clock::duration saved_;
  Clock::time_point last_{};
};

}  // namespace slopn::wire
