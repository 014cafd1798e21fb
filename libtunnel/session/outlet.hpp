#pragma once

#include "libtunnel/quic/packet_train.hpp"

namespace slopn::session {

/// Where outer packets leave: a UDP socket, or a simulated link.
class Outlet {
 public:
  virtual ~Outlet() = default;

  /// Sends every run of `train`; what the socket does not take is lost, like on any network.
  /// The caller clears the train.
  virtual void send(const quic::PacketTrain& train) = 0;
};

/// Outer packets on their way out: gathered in a train, which leaves when it is full.
class Outbox {
 public:
  /// `outlet` outlives the outbox.
  Outbox(Outlet& outlet, std::size_t max_payload_bytes)
      : outlet_(outlet), train_(kTrainPackets, max_payload_bytes)
  {
  }

  /// The train, with room for one payload at least.
  [[nodiscard]] quic::PacketTrain& train()
  {
    if (!train_.has_room()) depart();
    return train_;
  }
  [[nodiscard]] bool full() const noexcept { return !train_.has_room(); }

  /// Sends what has been gathered.
  void depart()
  {
    if (train_.empty()) return;
    outlet_.send(train_);
    train_.clear();
  }

 private:
  // Some full runs of UDP_SEGMENT: a super-packet of 64 KB is one run and a bit.
  static constexpr std::size_t kTrainPackets = 176;

  Outlet& outlet_;
  quic::PacketTrain train_;
};

}  // namespace slopn::session
