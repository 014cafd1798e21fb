#pragma once

#include "daemon/model.hpp"
#include "libtunnel/session/tunnel_path.hpp"

namespace slopn::daemon {

/// A tunnel's counters as the control API shows them.
[[nodiscard]] Traffic to_traffic(const session::TrafficCounters& counters);

}  // namespace slopn::daemon
