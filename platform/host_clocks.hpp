#pragma once

#include <chrono>

namespace slopn::platform {

/// What the host's clocks show, since times of their own.
struct HostClocks {
  std::chrono::nanoseconds running{0};  ///< Stands still while the host sleeps.
  std::chrono::nanoseconds passing{0};  ///< Goes on.
  std::chrono::nanoseconds wall{0};     ///< Since 1970, as far as the host knows.
};

/// Reads all of them in one moment.
[[nodiscard]] HostClocks read_host_clocks() noexcept;

}  // namespace slopn::platform
