#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/ip.hpp"

/// What slopn adds to CONNECT-IP. A client names in one field of its request what it would like,
/// and a gateway answers in its 200, only if asked and only with what it grants. So nobody else's
/// client or gateway ever meets any of it. Both are dictionaries (RFC 9651), whose members that one
/// side does not know it skips:
///
///     slopn: measure
///     slopn: measure=("10.86.0.1:5202" "[fd86::1]:5202")
namespace slopn::wire {

inline constexpr std::string_view kFeaturesField = "slopn";

/// More endpoints than this in an answer are left out.
inline constexpr std::size_t kMaxMeasurementEndpoints = 4;

/// What a client would like.
struct FeatureWishes {
  bool measurement = false;  ///< To be told where throughput and latency can be measured.
  friend bool operator==(const FeatureWishes&, const FeatureWishes&) = default;
};

/// What a gateway grants.
struct FeatureGrants {
  /// Inner addresses and port of the measurement service (TCP and UDP); `libtunnel/measure`.
  std::vector<UdpEndpoint> measurement;

  friend bool operator==(const FeatureGrants&, const FeatureGrants&) = default;
};

/// Empty when nothing is wished or granted: then there is no such field.
[[nodiscard]] std::string format_wishes(const FeatureWishes& wishes);
[[nodiscard]] std::string format_grants(const FeatureGrants& grants);

/// A field that is malformed counts as absent, a member of another type likewise.
[[nodiscard]] FeatureWishes parse_wishes(std::string_view field);
/// Also leaves out endpoints with port 0 and addresses that cannot be one host inside a tunnel:
/// unspecified, loopback, link-local, multicast. Whether a route leads there is the caller's to see.
[[nodiscard]] FeatureGrants parse_grants(std::string_view field);

/// The part of `grants` that was wished for.
[[nodiscard]] FeatureGrants wished_part(const FeatureWishes& wishes, FeatureGrants grants);

}  // namespace slopn::wire
