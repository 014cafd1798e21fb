#pragma once

#include <cstdint>
#include <optional>

#include "libtunnel/base/host_packet.hpp"

namespace slopn::platform {

/// The header before each packet of a TUN with IFF_VNET_HDR: virtio 1.2 section 5.1.6, in the byte
/// order of the host. Our own, because <linux/virtio_net.h> is not C++ (it has a field `class`).
struct VnetHeader {
  std::uint8_t flags = 0;
  std::uint8_t gso_type = 0;
  std::uint16_t hdr_len = 0;
  std::uint16_t gso_size = 0;
  std::uint16_t csum_start = 0;
  std::uint16_t csum_offset = 0;
};
static_assert(sizeof(VnetHeader) == 10);

/// nullopt for a kind of super-packet that we never asked for.
[[nodiscard]] std::optional<Offload> from_vnet_header(const VnetHeader& header) noexcept;
[[nodiscard]] VnetHeader to_vnet_header(const Offload& offload) noexcept;

}  // namespace slopn::platform
