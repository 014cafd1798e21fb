#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "libtunnel/base/clock.hpp"
#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"
#include "libtunnel/core/connect_ip_event.hpp"
#include "libtunnel/core/request_id_log.hpp"
#include "libtunnel/core/wire/capsule.hpp"
#include "libtunnel/core/wire/connect_ip.hpp"

namespace slopn {

struct ConnectIpClientOptions {
  /// Asked for when no address comes by itself; all-zero addresses mean "any". Empty: never ask
  /// (some peers close the tunnel when asked).
  std::vector<IpPrefix> wishes = {IpPrefix::host(IpAddress::any(IpVersion::v4)),
                                  IpPrefix::host(IpAddress::any(IpVersion::v6))};
  /// How long to wait for addresses after the request or, without wishes, after the acceptance.
  Clock::duration answer_timeout = std::chrono::seconds(5);
};

/// The client's side of a CONNECT-IP stream (RFC 9484 section 4.7): capsule bytes and time in,
/// capsule bytes and events out.
///
/// Errors: Errc::protocol_violation for malformed input (reset the stream with H3_MESSAGE_ERROR),
/// Errc::pool_exhausted when every wish was refused, Errc::refused when the peer takes the last
/// address away, Errc::timed_out, Errc::peer_closed. After an error the object is of no use.
class ConnectIpClient final : private wire::CapsuleSink {
 public:
  explicit ConnectIpClient(ConnectIpClientOptions options = {});

  /// The peer answered 2xx. Addresses may now come by themselves for `unsolicited_wait`, about one
  /// round trip; then they are asked for.
  void on_accepted(Clock::time_point now, Clock::duration unsolicited_wait);

  /// Bytes of the stream's DATA frames, also those from before `on_accepted()`.
  [[nodiscard]] Result<> on_stream_data(ByteView bytes, Clock::time_point now);

  /// The peer ended its side: always an error, because the tunnel is over.
  [[nodiscard]] Result<> on_stream_end();

  /// To be called at `next_deadline()`; earlier calls do nothing.
  [[nodiscard]] Result<> on_time(Clock::time_point now);
  [[nodiscard]] std::optional<Clock::time_point> next_deadline() const noexcept;

  /// Bytes to be sent on the stream, in order; may be empty.
  [[nodiscard]] ByteVector take_output() noexcept;

  /// What happened since the last call, in order.
  [[nodiscard]] std::vector<connect_ip::Event> take_events() noexcept;

 private:
  struct NotAccepted {};
  struct Waiting {  // for addresses that come by themselves
    Clock::time_point until;
  };
  struct Asked {
    Clock::time_point until;
  };
  struct Settled {};  // there are addresses, or no reason to wait for them
  using State = std::variant<NotAccepted, Waiting, Asked, Settled>;

  [[nodiscard]] Result<> on_capsule(std::uint64_t type, ByteView value) override;
  [[nodiscard]] Result<> on_address_assign(ByteView value);
  [[nodiscard]] Result<> on_address_request(ByteView value);
  [[nodiscard]] Result<> on_route_advertisement(ByteView value);
  void on_datagram(ByteView value);
  void ask(Clock::time_point now);
  void report();

  ConnectIpClientOptions options_;
  wire::CapsuleParser parser_;
  State state_;
  std::vector<IpPrefix> addresses_;
  std::optional<std::vector<wire::IpRange>> routes_;
  std::optional<connect_ip::Configured> reported_;
  std::vector<std::uint64_t> open_wishes_;  // request ids without an answer
  RequestIdLog peer_requests_;
  ByteVector output_;
  std::vector<connect_ip::Event> events_;
};

}  // namespace slopn
