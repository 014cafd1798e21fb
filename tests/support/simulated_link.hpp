#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <unordered_map>
#include <vector>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/clock.hpp"
#include "libtunnel/base/ip.hpp"
#include "libtunnel/quic/packet_train.hpp"

/// Whole tunnels in memory, in virtual time.
namespace slopn::test {

/// One direction of a path between two hosts.
struct LinkShape {
  Clock::duration delay = std::chrono::milliseconds(10);
  double loss = 0;         ///< Probability that a packet disappears.
  double duplication = 0;  ///< Probability that it arrives twice.
  double reordering = 0;   ///< Probability that it arrives `reordering_delay` late.
  Clock::duration reordering_delay = std::chrono::milliseconds(5);
  std::size_t mtu_bytes = 1500;          ///< Of whole IP packets; longer ones disappear.
  std::uint64_t rate_bits_per_s = 0;     ///< 0: without a limit.
  std::size_t queue_bytes = 256 * 1024;  ///< In front of a limited rate; the rest is lost.
};

/// Something with a UDP socket on the simulated network.
class SimulatedHost {
 public:
  virtual ~SimulatedHost() = default;
  virtual void receive(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload,
                       Clock::time_point now) = 0;
  /// After a batch of `receive()`.
  virtual void flush(Clock::time_point now) = 0;
  [[nodiscard]] virtual Clock::time_point next_deadline() const = 0;
  virtual void on_deadline(Clock::time_point now) = 0;
};

/// What happened to the packets of a network.
struct LinkCounters {
  std::uint64_t sent = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;       ///< By `LinkShape::loss`.
  std::uint64_t too_big = 0;    ///< By `LinkShape::mtu_bytes`.
  std::uint64_t overflown = 0;  ///< By `LinkShape::queue_bytes`.
  std::uint64_t unknown = 0;    ///< For an address without a host.
};

/// Moves UDP payloads between hosts and time from one event to the next. What the network decides
/// by chance follows from the seed.
class SimulatedNetwork {
 public:
  explicit SimulatedNetwork(std::uint64_t seed = 1) : random_(seed) {}

  [[nodiscard]] Clock::time_point now() const noexcept { return now_; }

  /// `host` outlives its place on the network.
  void attach(const UdpEndpoint& address, SimulatedHost& host);
  void detach(const UdpEndpoint& address);

  /// For packets from and to `address`, which is a client's; without one, the default.
  void shape(const UdpEndpoint& address, const LinkShape& both_ways);
  void shape(const UdpEndpoint& address, const LinkShape& from_it, const LinkShape& to_it);
  void shape_everything(const LinkShape& both_ways) { default_shape_ = both_ways; }

  /// Puts every payload of `train` on the way, as if sent from `from`.
  void send(const UdpEndpoint& from, const quic::PacketTrain& train);
  void send(const UdpEndpoint& from, const UdpEndpoint& to, quic::EcnBits ecn, ByteView payload);

  /// Lets time pass.
  void run_for(Clock::duration duration) { run_until(now_ + duration); }
  void run_until(Clock::time_point end);
  /// Lets time pass until `reached`; false when that has not happened within `limit`.
  [[nodiscard]] bool run_until(const std::function<bool()>& reached, Clock::duration limit);

  [[nodiscard]] const LinkCounters& counters() const noexcept { return counters_; }

  /// Sees every payload before the network decides about it; false makes it disappear.
  std::function<bool(const UdpEndpoint& from, const UdpEndpoint& to, ByteView payload)> filter;

 private:
  struct InFlight {
    UdpEndpoint from;
    UdpEndpoint to;
    quic::EcnBits ecn = 0;
    ByteVector payload;
  };
  struct Pipe {  // one direction, with the packets that wait for it
    LinkShape shape;
    Clock::time_point free_at;
  };

  [[nodiscard]] bool chance(double probability);
  [[nodiscard]] Pipe& pipe(const UdpEndpoint& from, const UdpEndpoint& to);
  [[nodiscard]] Clock::time_point next_event() const;
  void happen();  // everything that is due now
  bool advance(Clock::time_point end);

  std::mt19937_64 random_;
  Clock::time_point now_{std::chrono::hours(5)};
  LinkShape default_shape_;
  std::map<std::pair<UdpEndpoint, UdpEndpoint>, Pipe> pipes_;
  std::map<UdpEndpoint, std::pair<LinkShape, LinkShape>> shapes_;
  std::multimap<Clock::time_point, InFlight> in_flight_;
  std::unordered_map<UdpEndpoint, SimulatedHost*> hosts_;
  LinkCounters counters_;
  std::uint64_t events_without_time_ = 0;
};

}  // namespace slopn::test
