#pragma once

#include "daemon/config/config.hpp"
#include "daemon/config/profile.hpp"
#include "daemon/model.hpp"
#include "libtunnel/io/client_worker.hpp"

namespace slopn::daemon {

/// Turns a profile into what one try to connect needs, whatever the gateways' addresses: reads the
/// credentials it names, and builds TLS contexts and requests.
[[nodiscard]] Result<io::LinkOrder> make_link_order(const config::Config& config,
                                                    const config::Profile& profile,
                                                    tunnel::LinkId id);

[[nodiscard]] ProfileSummary summarize(const config::Profile& profile);

}  // namespace slopn::daemon
