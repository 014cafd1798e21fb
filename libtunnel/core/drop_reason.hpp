#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace slopn {

/// Why an inner packet or an outer datagram went nowhere. Every drop in slopn has one of these;
/// docs/counters.md says what each means for the person who reads it.
/// The names appear in the control API: append, never rename.
enum class DropReason : std::uint8_t {
  malformed,            ///< No IP packet, or one whose header lies about its length.
  foreign_source,       ///< The client does not own the source address.
  foreign_destination,  ///< The gateway sent what is not addressed to this client.
  not_assigned,         ///< The session has no address yet, or none of this family.
  bad_scope,            ///< Link-local, multicast, loopback or unspecified address.
  no_route,             ///< Nobody is known behind the destination address.
  client_to_client,     ///< Another client's address, and the gateway keeps clients apart.
  ttl_expired,          ///< No hop left.
  too_big,              ///< Longer than the tunnel's MTU; the sender was told so.
  unknown_stream,       ///< A datagram for a request that does not exist (any more).
  unknown_context,      ///< A datagram whose meaning nobody agreed on.
  congestion,           ///< Waited too long for the outer path.
  tun_full,             ///< The kernel did not take it.
  tunnel_down,          ///< Sent while no gateway was connected.
};

inline constexpr std::size_t kDropReasonCount = 14;

/// "foreign_source"; a literal.
[[nodiscard]] std::string_view to_string(DropReason reason) noexcept;

/// How many packets were lost, by reason. A value; one per session and worker.
class DropCounters {
 public:
  void count(DropReason reason, std::uint64_t packets = 1) noexcept
  {
    packets_[static_cast<std::size_t>(reason)] += packets;
  }
  [[nodiscard]] std::uint64_t operator[](DropReason reason) const noexcept
  {
    return packets_[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] std::uint64_t total() const noexcept;
  DropCounters& operator+=(const DropCounters& other) noexcept;

  friend bool operator==(const DropCounters&, const DropCounters&) = default;

 private:
  std::array<std::uint64_t, kDropReasonCount> packets_{};
};

/// All reasons, in the order of the enumeration.
[[nodiscard]] const std::array<DropReason, kDropReasonCount>& all_drop_reasons() noexcept;

}  // namespace slopn
