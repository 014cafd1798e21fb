#include "daemon/supervisor/host_network.hpp"

#include "daemon/supervisor/client_network.hpp"

namespace slopn::daemon {

Result<> HostNetwork::open()
{
  auto done = routes_->restore();
  if (done) guard_ = tunnel::Guard::open;
  return done;
}

Result<> HostNetwork::block(const config::ClientConfig& config,
                            const std::vector<IpPrefix>& outside)
{
  auto network = blocked_network(config);
  network.policy->outside = outside;
  if (auto done = routes_->apply(network); !done)
    return std::move(done.error()).within("block traffic");
  guard_ = tunnel::Guard::blocked;
  return {};
}

Result<> HostNetwork::tunnel(const platform::NetworkConfig& network)
{
  if (auto done = routes_->apply(network); !done)
    return std::move(done.error()).within("set up " + network.interface_name);
  guard_ = tunnel::Guard::tunnel;
  return {};
}

}  // namespace slopn::daemon
