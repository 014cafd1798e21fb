#pragma once

#include <string>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::platform {

/// A network that a link of this host is in: the prefix of an address, or of its peer.
struct LocalNetwork {
  std::string interface_name;
  IpPrefix prefix;
  friend bool operator==(const LocalNetwork&, const LocalNetwork&) = default;
};

/// Those of all links that are up, loopback included. Of the network namespace that is current;
/// asks the kernel once and does not wait for anybody else.
[[nodiscard]] Result<std::vector<LocalNetwork>> local_networks();

}  // namespace slopn::platform
