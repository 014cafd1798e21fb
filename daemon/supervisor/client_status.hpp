#pragma once

#include <optional>
#include <string>

#include "daemon/config/profile.hpp"
#include "daemon/model.hpp"
#include "daemon/supervisor/split_routes.hpp"
#include "libtunnel/core/tunnel_fsm.hpp"
#include "libtunnel/io/client_worker.hpp"

namespace slopn::daemon {

/// What the client's supervisor knows beside the machine's state.
struct ClientFacts {
  const config::Profile* profile = nullptr;  ///< Of the tunnel that is wanted, or was last.
  const io::LinkFacts* link = nullptr;       ///< Of the link that is up.
  const RoutePlan* plan = nullptr;           ///< What goes which way now.
  std::string gateway;                       ///< That is being tried; empty for several.
  std::string interface_name;
  WallClock::time_point connected_since;
  std::optional<Clock::time_point> last_heard;  ///< The gateway; while a link is up.
};

/// A moment of the machine's clock as people's clocks show it.
[[nodiscard]] WallClock::time_point to_wall(Clock::time_point instant);

[[nodiscard]] ClientState client_state(const TunnelFsm& fsm, const ClientFacts& facts);

/// What those who watch want to be told of when it changes.
struct ShownState {
  std::size_t state = 0;
  tunnel::Phase phase{};
  std::uint32_t attempt = 0;
  std::string gateway;
  bool locked = false;
  bool blocked = false;
  std::optional<Clock::time_point> confirm_until;
  std::optional<Clock::time_point> retry_at;
  friend bool operator==(const ShownState&, const ShownState&) = default;
};
[[nodiscard]] ShownState shown(const TunnelFsm& fsm, const std::string& gateway);

}  // namespace slopn::daemon
