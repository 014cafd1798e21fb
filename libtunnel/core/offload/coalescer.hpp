#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "libtunnel/base/host_packet.hpp"

namespace slopn::offload {

/// Joins packets that came out of the tunnel into super-packets (TCP and UDP GRO in software), so
/// that the host's kernel handles many at once. The rules are those of the kernel's own GRO: only
/// whole packets of one flow that follow each other, with the same headers but for sequence number,
/// IPv4 identification and checksum; PSH, FIN, a short piece or any other flag ends a super-packet.
/// A packet is joined only when its checksums are right: a super-packet gets new ones.
///
/// What cannot be joined comes out unchanged. Packets of one flow keep their order.
///
/// The memory is taken once, and the kernel backs only what is used of it.
class Coalescer {
 public:
  struct Options {
    bool tcp = true;  ///< The device takes TCP super-packets.
    bool udp = true;  ///< And UDP ones.
  };

  static constexpr std::size_t kMaxPackets = 128;        ///< Of a batch, super-packets or not.
  static constexpr std::size_t kMaxSuperPackets = 16;    ///< Of a batch, or what may become one.
  static constexpr std::size_t kMaxSuperBytes = 65'535;  ///< What IPv4 can say and kernels take.
  static constexpr std::size_t kMaxUdpSegments = 64;     ///< What older kernels take.

  explicit Coalescer(const Options& options);

  /// Takes a copy of one whole, checked IP packet: not empty, and at most `kMaxHostPacketBytes`.
  /// False, with nothing changed, when there is no room: deliver `finish()`, `clear()` and push it
  /// again; then there is room.
  [[nodiscard]] bool push(ByteView packet);

  [[nodiscard]] bool empty() const noexcept { return packet_count_ == 0; }
  /// What the device is to be given, in an order in which no flow's packets change places. Finishes
  /// the headers of super-packets: nothing can be pushed until `clear()`. Valid until then.
  [[nodiscard]] std::span<const HostPacket> finish();
  void clear() noexcept;

 private:
  // A packet's flow; unused parts are zero. Values are as they are in the packet.
  struct Flow {
    std::uint32_t ports = 0;  // first: flows differ in them most often
    std::uint8_t protocol = 0;
    std::uint8_t version = 0;
    std::array<std::uint64_t, 4> addresses{};

    friend bool operator==(const Flow&, const Flow&) noexcept = default;
  };

  // What there is to know about a packet before it is compared with others.
  struct Parsed {
    enum class Kind : std::uint8_t {
      other,      // of no flow that is ever joined
      addressed,  // may belong to any flow between its addresses
      single,     // of `flow`, but joins with nothing
      joinable,   // may end a super-packet
      starter,    // may begin one
    };
    Kind kind = Kind::other;
    Flow flow;
    std::size_t upper_at = 0;
    std::size_t header_bytes = 0;
  };

  // A super-packet in the making, in its own part of the memory.
  struct Super {
    Flow flow;
    std::size_t size_bytes = 0;
    std::size_t upper_at = 0;
    std::size_t header_bytes = 0;
    std::size_t segment_bytes = 0;
    std::size_t segments = 1;
    std::size_t packet_index = 0;                // in packets_
    std::uint32_t next_sequence = 0;             // TCP
    std::uint16_t last_id = 0;                   // IPv4
    std::optional<std::uint16_t> id_steps = {};  // how much the id grows, known from the second on
  };

  [[nodiscard]] static Parsed parse(ByteView packet) noexcept;
  static void parse_upper(ByteView packet, bool plain, Parsed& parsed) noexcept;
  [[nodiscard]] static bool checksums_right(ByteView packet, const Super& super) noexcept;

  [[nodiscard]] std::byte* slot(const Super& super) const noexcept;
  [[nodiscard]] Super* find_open(const Flow& flow) noexcept;
  void close_found() noexcept;
  void close_between(const Flow& addressed) noexcept;
  [[nodiscard]] bool same_headers(const Super& super, ByteView packet) const noexcept;
  [[nodiscard]] bool joins(Super& super, const Parsed& parsed, ByteView packet) noexcept;
  bool append(Super& super, ByteView packet) noexcept;
  void start(const Parsed& parsed, ByteView packet) noexcept;
  void add_single(ByteView packet) noexcept;
  void finish_super(const Super& super) noexcept;

  Options options_;
  std::unique_ptr<std::byte[]> memory_;  // slots, one for each of supers_, then single packets
  std::array<Super, kMaxSuperPackets> supers_;
  std::size_t super_count_ = 0;
  std::array<std::uint8_t, kMaxSuperPackets> open_{};  // indexes of those that may still grow
  std::size_t open_count_ = 0;
  std::size_t singles_bytes_ = 0;
  std::array<HostPacket, kMaxPackets> packets_;
  std::size_t packet_count_ = 0;
  bool finished_ = false;
};

}  // namespace slopn::offload
