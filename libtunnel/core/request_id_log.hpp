#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>

#include "libtunnel/base/result.hpp"
#include "libtunnel/core/wire/connect_ip.hpp"

namespace slopn {

/// Remembers which request ids a peer has used on one stream, because none may be used twice
/// (RFC 9484 section 4.7.2). Bounded: a peer that asks for ever is turned away.
class RequestIdLog {
 public:
  static constexpr std::size_t kMaxRequests = 1000;

  /// Errc::protocol_violation for an id seen before, and for more than kMaxRequests in all.
  [[nodiscard]] Result<> add(std::span<const wire::RequestedAddress> requests);

 private:
  std::set<std::uint64_t> used_;
};

}  // namespace slopn
