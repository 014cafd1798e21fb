#pragma once

#include <string_view>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"
#include "libtunnel/base/unique_fd.hpp"

namespace slopn::measure {

/// Sockets that only packets from one interface reach: nothing from outside of the tunnel, whatever
/// the packet filter says. The interface need not have the address yet. Do not block.
[[nodiscard]] Result<UniqueFd> listen_tcp(const UdpEndpoint& at, std::string_view interface_name);
[[nodiscard]] Result<UniqueFd> open_udp(const UdpEndpoint& at, std::string_view interface_name);

}  // namespace slopn::measure
