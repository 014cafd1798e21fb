#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "libtunnel/base/host_packet.hpp"
#include "libtunnel/core/wire/icmp.hpp"
#include "libtunnel/quic/server_door.hpp"
#include "libtunnel/session/gateway_session.hpp"

namespace slopn::session {

struct GatewayEndpointOptions {
  quic::QuicOptions quic;
  quic::ResetSecret reset_secret{};
  /// Of a gateway with several workers each has an endpoint, which are numbered from 0 on.
  std::uint8_t worker = 0;
  std::uint8_t workers = 1;
  /// The gateway's own inner addresses; ICMP answers come from them.
  std::vector<IpAddress> own_addresses;
  /// Where clients live; packets between them need `client_to_client`.
  std::vector<IpPrefix> pools;
  bool client_to_client = false;
  std::size_t max_sessions = 10'000;  ///< Connections of clients and visitors together.
  /// From so many unfinished handshakes on, clients must first prove their address (Retry).
  std::size_t retry_above_handshakes = 64;
  /// From so many unfinished handshakes, or connections without a tunnel, on, the oldest of them
  /// ends for each newcomer: strangers can hold no place for ever, and a client needs its own only
  /// for two round trips.
  std::size_t max_handshakes = 1'000;
  std::size_t max_visitors = 1'000;
  std::size_t max_queue_bytes = 4'000'000;  ///< Of packets waiting for one client.
};

/// Which worker a session belongs to: IDs of all workers are different.
[[nodiscard]] constexpr std::size_t worker_of(SessionId id, std::size_t workers) noexcept
{
  return static_cast<std::uint64_t>(id) % workers;
}

/// What happens at a gateway's endpoint. Called from inside the endpoint's methods; may call
/// `admit()`, `refuse()`, `kick()` and what is const, but not `read()`, `send()` and the like.
class GatewayEndpointListener {
 public:
  virtual ~GatewayEndpointListener() = default;
  /// A packet for the host's TUN, valid during the call.
  virtual void on_inner_packet(ByteView packet) = 0;
  /// Somebody has proven to be a client and wants addresses: answer with `admit()` or `refuse()`.
  virtual void on_admission_wanted(SessionId id, const Visitor& visitor) = 0;
  /// A session that was given addresses is over; they are free again.
  virtual void on_session_over(SessionId id, const Visitor& visitor, const Admission& admission,
                               const Error& reason) = 0;
  /// A packet of the host's for a client that has no session here: another worker may know it.
  /// False when it goes nowhere, which the endpoint then counts.
  virtual bool on_foreign_packet(const IpAddress& /*destination*/, const HostPacket& /*packet*/)
  {
    return false;
  }
};

/// All connections of one gateway worker: finds the session for an outer packet by its connection
/// ID, and for an inner packet by its destination. No socket, no clock; one thread.
class GatewayEndpoint final : private GatewaySession::Owner, private quic::ConnectionIdRegistry {
 public:
  /// `tls`, `listener` and `outlet` outlive the endpoint.
  GatewayEndpoint(GatewayEndpointOptions options, const quic::TlsContext& tls, AdmissionRules rules,
                  GatewayEndpointListener& listener, Outlet& outlet);
  ~GatewayEndpoint() override;

  /// Takes one UDP payload. Call `flush()` after a batch of them.
  void read(const quic::UdpPath& path, quic::EcnBits ecn, ByteView packet, Clock::time_point now);

  /// Sends inner packets to the clients they are for. Call `flush()` after a batch.
  void send(std::span<const HostPacket> packets, Clock::time_point now);

  /// Writes what is due, sends it, and clears away connections that are over.
  void flush(Clock::time_point now);

  [[nodiscard]] Clock::time_point next_deadline() const noexcept;
  /// Does what time demands; `flush()` included.
  void on_deadline(Clock::time_point now);

  /// False when that session has gone meanwhile: then `admission` is nobody's, and there will be no
  /// `on_session_over()` for it.
  bool admit(SessionId id, Admission admission, Clock::time_point now);
  void refuse(SessionId id, std::string_view details, Clock::time_point now);
  /// Ends sessions; unknown ids are ignored.
  void kick(std::span<const SessionId> ids, Clock::time_point now);
  /// Ends one session, if it is still there.
  void end(SessionId id, Error reason, Clock::time_point now);
  /// Takes over new rules and ends the sessions of clients they no longer know.
  void change_rules(AdmissionRules rules, Clock::time_point now);
  /// Takes over limits and QUIC options for connections that come from now on. What a worker is
  /// made of (worker, secret, longest payload) stays.
  void change_options(const GatewayEndpointOptions& options);
  /// Takes leave of everybody.
  void close(Clock::time_point now);

  /// For lists and statistics: admitted sessions only.
  void for_each_session(const std::function<void(const GatewaySession&)>& visit) const;
  [[nodiscard]] std::size_t connections() const noexcept { return sessions_.size(); }
  [[nodiscard]] std::size_t handshakes() const noexcept { return handshakes_.size(); }
  /// Packets lost before or outside any session, and those of sessions that are over.
  [[nodiscard]] const TrafficCounters& past_counters() const noexcept { return past_; }

 private:
  const AdmissionRules& admission_rules() const override { return rules_; }
  void on_admission_wanted(GatewaySession& session, const Visitor& visitor) override;
  void on_inner_packet(GatewaySession& session, const wire::IpHeader& header,
                       ByteView packet) override;
  void on_active(GatewaySession& session) override;
  void on_id_added(const quic::ConnectionId& id) override;
  void on_id_retired(const quic::ConnectionId& id) override;

  void let_in(const quic::UdpPath& path, quic::EcnBits ecn, ByteView packet,
              quic::AcceptedInitial initial, Clock::time_point now);
  void keep_limits(Clock::time_point now);
  void end_at_once(GatewaySession& session, Clock::time_point now);
  void answer(const quic::UdpPath& path, ByteView reply);
  void send_one(const HostPacket& packet, Clock::time_point now);
  void answer_too_big(offload::Segmenter::Piece packet, const wire::IpHeader& header,
                      std::size_t mtu_bytes, Clock::time_point now);
  [[nodiscard]] bool is_client_address(const IpAddress& address) const noexcept;
  void write_session(GatewaySession& session, Clock::time_point now);
  void reschedule(GatewaySession& session);
  void forget(GatewaySession& session);
  [[nodiscard]] GatewaySession* find(SessionId id) const noexcept;
  [[nodiscard]] GatewaySession* find(const quic::ConnectionId& id) noexcept;

  GatewayEndpointOptions options_;
  const quic::TlsContext& tls_;
  AdmissionRules rules_;
  GatewayEndpointListener& listener_;
  quic::ServerDoor door_;
  Outbox outbox_;
  std::uint64_t flow_salt_;
  std::uint64_t last_id_;
  std::map<SessionId, std::unique_ptr<GatewaySession>> sessions_;
  std::unordered_map<quic::ConnectionId, GatewaySession*> by_connection_id_;
  quic::ConnectionId last_read_id_;              // packets come in trains: whose the last one was
  GatewaySession* last_read_session_ = nullptr;  // nullptr: not known any more
  std::unordered_map<IpAddress, GatewaySession*> by_inner_address_;
  std::set<std::pair<Clock::time_point, SessionId>> schedule_;
  std::set<SessionId> handshakes_;  // a part of visitors_; both oldest first
  std::set<SessionId> visitors_;    // not admitted
  std::vector<GatewaySession*> active_;
  GatewaySession* in_call_ = nullptr;  // whose callbacks are running
  bool flushing_ = false;
  TrafficCounters past_;
  wire::IcmpRateLimiter icmp_limit_;
};

}  // namespace slopn::session
