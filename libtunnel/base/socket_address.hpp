#pragma once

#include <sys/socket.h>

#include "libtunnel/base/ip.hpp"

namespace slopn {

/// Writes `endpoint` to `storage` as the operating system and C libraries want it.
/// Returns the length of the family's form, in bytes.
[[nodiscard]] socklen_t to_socket_address(const UdpEndpoint& endpoint,
                                          sockaddr_storage& storage) noexcept;

/// The inverse. Anything but AF_INET and AF_INET6 gives 0.0.0.0:0. The scope is kept for
/// link-local addresses only, where it means something.
[[nodiscard]] UdpEndpoint from_socket_address(const sockaddr* address, socklen_t size) noexcept;

}  // namespace slopn
