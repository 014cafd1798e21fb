#pragma once

#include <cstddef>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::io {

/// One UDP port that several workers serve, each with a socket of its own (SO_REUSEPORT). The
/// kernel asks a small program of ours which of them gets a packet: the rule is
/// `quic::worker_for()`, the answer counts the sockets in the order in which they were bound.
struct PortShare {
  std::size_t workers = 1;  ///< 1: the port is ours alone, and nothing is steered.
  std::size_t worker = 0;   ///< Sockets of one port are bound in this order, from 0 on.
};

/// Whether this kernel steers packets so. Errors: what it refused (it needs Linux 4.5).
[[nodiscard]] Result<> probe_port_steering();

/// To be called before `bind()`. A shared port can be taken by every process of our user, so the
/// first of us makes sure that nobody has it yet. Errors: somebody has.
[[nodiscard]] Result<> share_port(int fd, const UdpEndpoint& local, const PortShare& share);

/// To be called after `bind()`: the first worker's socket brings the program for all of them.
[[nodiscard]] Result<> steer_port(int fd, const PortShare& share);

}  // namespace slopn::io
