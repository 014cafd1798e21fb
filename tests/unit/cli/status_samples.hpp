#pragma once

#include <chrono>

#include "slopn/control/v1/control.pb.h"

/// What a daemon might say, for tests of how it is shown.
namespace slopn::test {

namespace v1 = slopn::control::v1;

/// 2025-11-21T12:03:12Z, and the "now" of the tests is 125 seconds later.
inline constexpr std::int64_t kSince = 1'763'726'592;
inline constexpr std::chrono::system_clock::time_point kNow{std::chrono::seconds{kSince + 125}};

[[nodiscard]] v1::Status disconnected_sample();
[[nodiscard]] v1::Status refused_sample();
[[nodiscard]] v1::Status connecting_sample();
[[nodiscard]] v1::Status connected_sample();
[[nodiscard]] v1::Status reconnecting_sample();
[[nodiscard]] v1::Status disconnecting_sample();
[[nodiscard]] v1::Status gateway_sample();
[[nodiscard]] v1::Session session_sample();

}  // namespace slopn::test
