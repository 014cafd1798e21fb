#include "daemon/supervisor/data_path_options.hpp"

#include "libtunnel/core/datagram_budget.hpp"

namespace slopn::daemon {

quic::CongestionControl to_quic(config::CongestionControl choice) noexcept
{
  switch (choice) {
    case config::CongestionControl::bbr:
      return quic::CongestionControl::bbr;
    case config::CongestionControl::cubic:
      return quic::CongestionControl::cubic;
    case config::CongestionControl::reno:
      return quic::CongestionControl::reno;
  }
  return quic::CongestionControl::bbr;
}

platform::TunOffloads tun_offloads(const config::OffloadConfig& config) noexcept
{
  return {.tcp = config.tun_tcp, .udp = config.tun_udp};
}

io::UdpSocketOptions socket_options(const config::Config& config, std::uint32_t mark) noexcept
{
  return {.buffer_bytes = config.transport.socket_buffer_bytes,
          .mark = mark,
          .segmentation = config.offload.udp_gso,
          .coalescing = config.offload.udp_gro};
}

std::size_t udp_payload_for(std::size_t inner_mtu_bytes) noexcept
{
  return udp_payload_bytes_for(inner_mtu_bytes, {.dcid_bytes = quic::ConnectionIdFactory::kBytes});
}

}  // namespace slopn::daemon
