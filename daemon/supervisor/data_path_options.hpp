#pragma once

#include "daemon/config/config.hpp"
#include "libtunnel/io/udp_socket.hpp"
#include "libtunnel/quic/quic_connection.hpp"
#include "platform/tun_device.hpp"

namespace slopn::daemon {

// What both roles make of the configuration for their data paths.

[[nodiscard]] quic::CongestionControl to_quic(config::CongestionControl choice) noexcept;

/// What to ask a TUN's kernel for.
[[nodiscard]] platform::TunOffloads tun_offloads(const config::OffloadConfig& config) noexcept;

/// `mark` is 0 for none.
[[nodiscard]] io::UdpSocketOptions socket_options(const config::Config& config,
                                                  std::uint32_t mark) noexcept;

/// The longest UDP payload to try, so that an inner packet of `inner_mtu_bytes` fits.
[[nodiscard]] std::size_t udp_payload_for(std::size_t inner_mtu_bytes) noexcept;

}  // namespace slopn::daemon
