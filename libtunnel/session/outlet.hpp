#pragma once

#include "libtunnel/quic/packet_train.hpp"

namespace slopn::session {

/// How many UDP payloads are gathered before they are sent.
inline constexpr std::size_t kTrainPackets = 64;

/// Where outer packets leave: a UDP socket, or a simulated link.
class Outlet {
 public:
  virtual ~Outlet() = default;

  /// Sends every run of `train`; what the socket does not take is lost, like on any network.
  /// The caller clears the train.
  virtual void send(const quic::PacketTrain& train) = 0;
};

}  // namespace slopn::session
