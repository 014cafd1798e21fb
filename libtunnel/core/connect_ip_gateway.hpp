#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "libtunnel/base/clock.hpp"
#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"
#include "libtunnel/core/connect_ip_event.hpp"
#include "libtunnel/core/request_id_log.hpp"
#include "libtunnel/core/wire/capsule.hpp"
#include "libtunnel/core/wire/connect_ip.hpp"

namespace slopn {

/// What a gateway gives to one session.
struct ConnectIpOffer {
  std::vector<IpPrefix> addresses;    ///< Leased for this client.
  std::vector<wire::IpRange> routes;  ///< In any order.
};

/// The gateway's side of a CONNECT-IP stream (RFC 9484 section 4.7): capsule bytes in, capsule
/// bytes and events out. Addresses and routes are announced without being asked for.
///
/// Errors: Errc::protocol_violation for malformed input (reset the stream with H3_MESSAGE_ERROR),
/// Errc::peer_closed at the stream's end. After an error the object is of no use.
class ConnectIpGateway final : private wire::CapsuleSink {
 public:
  explicit ConnectIpGateway(ConnectIpOffer offer);

  /// The request was accepted: announces the offer. Stream data that comes first implies it.
  void on_accepted();

  /// Replaces the offer and announces what changed.
  void change_offer(ConnectIpOffer offer);

  [[nodiscard]] Result<> on_stream_data(ByteView bytes, Clock::time_point now);
  /// The client ended its side: always an error, because the tunnel is over.
  [[nodiscard]] Result<> on_stream_end();

  /// Never, at present; here so that both sides look alike to their driver.
  [[nodiscard]] std::optional<Clock::time_point> next_deadline() const noexcept { return {}; }
  [[nodiscard]] Result<> on_time(Clock::time_point) { return {}; }

  /// Bytes to be sent on the stream, in order; may be empty.
  [[nodiscard]] ByteVector take_output() noexcept;

  /// Packets from DATAGRAM capsules; never `Configured`.
  [[nodiscard]] std::vector<connect_ip::Event> take_events() noexcept;

 private:
  [[nodiscard]] Result<> on_capsule(std::uint64_t type, ByteView value) override;
  [[nodiscard]] Result<> on_address_request(ByteView value);
  void announce_addresses(std::span<const wire::AssignedAddress> refused);
  void announce_routes();

  wire::CapsuleParser parser_;
  std::vector<wire::AssignedAddress> assigned_;
  std::vector<wire::IpRange> routes_;
  bool accepted_ = false;
  RequestIdLog client_requests_;
  ByteVector output_;
  std::vector<connect_ip::Event> events_;
};

}  // namespace slopn
