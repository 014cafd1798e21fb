#pragma once

#include <string>
#include <vector>

#include "cli/exit_code.hpp"
#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/unique_fd.hpp"

namespace slopn::cli {

/// Where this client can measure its tunnel.
struct MeasureTarget {
  UdpEndpoint gateway;               ///< Inner address.
  std::string interface_name;        ///< The tunnel's, here.
  std::vector<IpAddress> addresses;  ///< Ours, inner.
};

/// Out of what slopnd says. Failures: not connected, a gateway instead of a client, and a gateway
/// that offers nothing to measure against.
[[nodiscard]] Outcome<MeasureTarget> measure_target(const v1::Status& status);

/// A UDP socket that speaks to the target only and does not block. A failure when the way there does
/// not lead through the tunnel, before anything is sent.
[[nodiscard]] Outcome<UniqueFd> open_udp(const MeasureTarget& target);

/// TCP connections to the target that do not block. Waits until all are there.
[[nodiscard]] Outcome<std::vector<UniqueFd>> open_tcp(const MeasureTarget& target, unsigned count);

/// A number that no other test has.
[[nodiscard]] std::uint64_t random_test_number();

/// A failure with the operating system's `error` (errno) in its message.
[[nodiscard]] Failure measure_failure(const std::string& what, int error);

}  // namespace slopn::cli
