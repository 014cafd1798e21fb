#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/ip.hpp"
#include "libtunnel/core/wire/connect_ip.hpp"

/// What both sides of a CONNECT-IP stream report to their driver.
namespace slopn::connect_ip {

/// What the peer has given us, whole, each time it changes.
struct Configured {
  std::vector<IpPrefix> addresses;  ///< Ours; never empty.
  /// Where the peer carries packets to; nullopt while it has said nothing about that.
  std::optional<std::vector<wire::IpRange>> routes;

  friend bool operator==(const Configured&, const Configured&) = default;
};

/// An IP packet that came in a DATAGRAM capsule: reliable, and rare, because both ends of a tunnel
/// over HTTP/3 have QUIC datagrams. To be treated like one from a datagram.
struct PacketReceived {
  ByteVector packet;
};

using Event = std::variant<Configured, PacketReceived>;

}  // namespace slopn::connect_ip
