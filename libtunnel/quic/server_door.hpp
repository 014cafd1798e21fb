#pragma once

#include <cstdint>
#include <variant>

#include "libtunnel/base/clock.hpp"
#include "libtunnel/quic/quic_connection.hpp"

namespace slopn::quic {

/// The connection ID a packet is addressed to, if it has the form of a QUIC packet at all.
/// Short headers carry `ConnectionIdFactory::kBytes` (RFC 9000 section 17.3).
[[nodiscard]] std::optional<ConnectionId> destination_of(ByteView packet) noexcept;

/// Decides what a UDP payload deserves that belongs to no connection: nothing is remembered of
/// it, so spoofed floods cost no memory (RFC 9000 sections 5.2.2, 6, 8.1.2 and 10.3).
class ServerDoor {
 public:
  /// Whether a client must prove its address before we keep state for it.
  enum class AddressProof : std::uint8_t { optional, required };

  struct LetIn {
    AcceptedInitial initial;
  };
  /// Send `reply` back: Retry, Version Negotiation, or a stateless reset.
  struct Answer {
    ByteVector reply;
  };
  struct Ignore {};
  using Decision = std::variant<LetIn, Answer, Ignore>;

  ServerDoor(const ResetSecret& secret, ConnectionIdFactory id_factory) noexcept
      : secret_(secret), id_factory_(id_factory)
  {
  }

  [[nodiscard]] Decision decide(const UdpPath& path, ByteView packet, AddressProof proof,
                                Clock::time_point now);

 private:
  [[nodiscard]] Decision retry(const UdpPath& path, const AcceptedInitial& initial,
                               Clock::time_point now) const;
  [[nodiscard]] Decision negotiate_version(ByteView packet) const;
  [[nodiscard]] Decision reset(ByteView packet, Clock::time_point now);
  [[nodiscard]] bool may_reset(Clock::time_point now) noexcept;

  ResetSecret secret_;
  ConnectionIdFactory id_factory_;
  Clock::time_point reset_window_start_{};
  std::uint32_t resets_in_window_ = 0;
};

}  // namespace slopn::quic
