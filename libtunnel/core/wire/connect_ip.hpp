#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::wire {

/// One entry of an ADDRESS_ASSIGN capsule; RFC 9484 section 4.7.1.
struct AssignedAddress {
  std::uint64_t request_id = 0;  ///< 0 when nobody asked for it.
  IpPrefix prefix;

  friend bool operator==(const AssignedAddress&, const AssignedAddress&) = default;
};

/// One entry of an ADDRESS_REQUEST capsule; RFC 9484 section 4.7.2.
/// An all-zero address means "any of this family"; its length is a wish all the same.
struct RequestedAddress {
  std::uint64_t request_id = 1;  ///< Never 0, never used twice on a stream.
  IpPrefix prefix;

  friend bool operator==(const RequestedAddress&, const RequestedAddress&) = default;
};

/// One entry of a ROUTE_ADVERTISEMENT capsule; RFC 9484 section 4.7.3. Both ends are included.
struct IpRange {
  IpAddress first;
  IpAddress last;
  std::uint8_t protocol = 0;  ///< 0 stands for every protocol. ICMP is always allowed.

  [[nodiscard]] bool contains(const IpAddress& address) const noexcept
  {
    return address.version() == first.version() && first <= address && address <= last;
  }
  friend bool operator==(const IpRange&, const IpRange&) = default;
};

/// More entries than this in one capsule are a protocol violation.
inline constexpr std::size_t kMaxCapsuleEntries = 1000;

/// What an ADDRESS_ASSIGN says instead of an address when it refuses: 0.0.0.0/32 or ::/128.
[[nodiscard]] IpPrefix refusal(IpVersion version) noexcept;
[[nodiscard]] bool is_refusal(const AssignedAddress& assigned) noexcept;

/// These read the value of a capsule (its type and length are already gone) and accept nothing
/// but what RFC 9484 section 4.7 allows: IP version 4 or 6, prefixes without host bits, exactly
/// whole entries. Anything else is Errc::protocol_violation, and the caller resets the stream
/// with H3_MESSAGE_ERROR.
[[nodiscard]] Result<std::vector<AssignedAddress>> parse_address_assign(ByteView value);
/// Also refuses an empty list, request id 0 and an id that occurs twice.
[[nodiscard]] Result<std::vector<RequestedAddress>> parse_address_request(ByteView value);
/// Also refuses ranges that end before they start, that are out of order or that overlap.
[[nodiscard]] Result<std::vector<IpRange>> parse_route_advertisement(ByteView value);

/// These append whole capsules.
void append_address_assign(ByteVector& out, std::span<const AssignedAddress> addresses);
void append_address_request(ByteVector& out, std::span<const RequestedAddress> requests);
/// `ranges` must be as `normalized()` returns them.
void append_route_advertisement(ByteVector& out, std::span<const IpRange> ranges);

/// The same routes in the order RFC 9484 demands: ranges of one protocol that overlap or touch are
/// joined, and what a range for every protocol covers is cut out of the ranges for one.
/// Ranges whose ends do not fit together are left out.
[[nodiscard]] std::vector<IpRange> normalized(std::vector<IpRange> ranges);

/// The range that holds exactly `prefix`, for every protocol.
[[nodiscard]] IpRange range_of(const IpPrefix& prefix) noexcept;

}  // namespace slopn::wire
