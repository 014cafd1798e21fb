#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libtunnel/core/access_list.hpp"
#include "libtunnel/core/connect_ip_gateway.hpp"
#include "libtunnel/core/wire/private_features.hpp"
#include "libtunnel/session/send_queue.hpp"
#include "libtunnel/session/web_site.hpp"

namespace slopn::session {

/// Names a connection to a gateway. Never 0, never used twice while the gateway runs.
enum class SessionId : std::uint64_t {};

/// Who asks for a tunnel, proven.
struct Visitor {
  std::string client;            ///< The name in the access list; "anonymous" without a key.
  std::optional<ClientKey> key;  ///< Absent only for an anonymous visitor.
  UdpEndpoint remote;
};

/// What a visitor gets.
struct Admission {
  std::vector<IpPrefix> addresses;
  std::vector<wire::IpRange> routes;
  wire::FeatureGrants features{};  ///< The client is told the part that it wished for.
};

/// Who may come in. A value that is replaced as a whole when the configuration changes.
struct AdmissionRules {
  AccessList clients;
  bool anonymous = false;
  /// Hosts, in lower case and without brackets, that requests may name; empty: any.
  std::vector<std::string> hostnames;
};

/// One connection to a gateway: a visitor of its web site until proven to be a client, then the
/// far end of that client's tunnel. No socket and no clock.
class GatewaySession final : private quic::Http3Listener {
 public:
  /// The endpoint that owns all sessions.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual const AdmissionRules& admission_rules() const = 0;
    /// Answer with `admit()` or `refuse()`, at once or later.
    virtual void on_admission_wanted(GatewaySession& session, const Visitor& visitor) = 0;
    /// A packet from the client, checked; valid during the call.
    virtual void on_inner_packet(GatewaySession& session, const wire::IpHeader& header,
                                 ByteView packet) = 0;
    /// The session has something to write or to say.
    virtual void on_active(GatewaySession& session) = 0;
  };

  GatewaySession(SessionId id, Owner& owner, std::size_t max_queue_bytes, std::uint64_t salt);

  /// Accepts the connection.
  [[nodiscard]] Result<> start(const quic::QuicConnection::ServerOrder& order,
                               Clock::time_point now);

  [[nodiscard]] SessionId id() const noexcept { return id_; }
  [[nodiscard]] quic::QuicConnection& quic() noexcept { return *quic_; }
  [[nodiscard]] const quic::QuicConnection& quic() const noexcept { return *quic_; }

  void read(const quic::UdpPath& path, quic::EcnBits ecn, ByteView packet, Clock::time_point now);
  /// Writes what is due.
  void write(Outbox& outbox, Clock::time_point now);
  [[nodiscard]] Clock::time_point next_deadline() const noexcept;
  void on_deadline(Clock::time_point now);

  /// A packet for the client, whose pieces fit `mtu_bytes()`: written at once or queued.
  void send(const offload::Segmenter& packet, const wire::IpHeader& header, Outbox& outbox,
            Clock::time_point now);

  void admit(Admission admission);
  /// `details` is for the client's log (RFC 9209).
  void refuse(std::string_view details);
  void close(Error reason);

  [[nodiscard]] bool admitted() const noexcept { return connect_ip_.has_value(); }
  /// Whether `admit()` or `refuse()` is still to come.
  [[nodiscard]] bool awaits_admission() const noexcept
  {
    return tunnel_ && !answered_ && !quic_->ending();
  }
  [[nodiscard]] const std::optional<Visitor>& visitor() const noexcept { return visitor_; }
  /// What it was admitted with; empty before.
  [[nodiscard]] const Admission& admission() const noexcept { return admission_; }
  [[nodiscard]] std::size_t mtu_bytes() const noexcept;
  [[nodiscard]] TrafficCounters counters() const;
  void count_drop(DropReason reason) noexcept
  {
    if (tunnel_) tunnel_->count_drop(reason);
  }

  // For the owner's books.
  std::vector<quic::ConnectionId> connection_ids;
  Clock::time_point scheduled_at = Clock::time_point::max();
  bool marked_active = false;

 private:
  void on_ready(bool) override {}
  void on_headers(quic::StreamId stream, const quic::HeaderList& headers,
                  quic::MessageEnd end) override;
  void on_body(quic::StreamId stream, ByteView bytes) override;
  void on_body_end(quic::StreamId stream) override;
  void on_stream_gone(quic::StreamId stream) override;
  void on_datagram(ByteView payload) override;
  void on_path_mtu(std::size_t udp_payload_bytes) override;

  [[nodiscard]] bool is_misdirected(const quic::HeaderList& request) const;
  void on_tunnel_request(quic::StreamId stream, const quic::HeaderList& request);
  [[nodiscard]] std::optional<Visitor> identify(const quic::HeaderList& request) const;
  [[nodiscard]] std::optional<ClientKey> proven_key(const quic::HeaderList& request) const;
  void reply(quic::StreamId stream, const WebPage& page);
  [[nodiscard]] ConnectIpOffer offer_that_fits() const;
  void after_capsules(Result<> outcome);
  void take_packet(ByteView packet);

  static constexpr std::size_t kMaxEarlyCapsuleBytes = 4096;

  SessionId id_;
  Owner& owner_;
  quic::Http3Connection http_;
  std::unique_ptr<quic::QuicConnection> quic_;
  std::optional<Visitor> visitor_;
  wire::FeatureWishes wishes_;
  std::optional<TunnelPath> tunnel_;            // from the authenticated request on
  std::optional<ConnectIpGateway> connect_ip_;  // from the admission on
  Admission admission_;
  bool answered_ = false;      // admitted or refused
  bool settles_ = false;       // HTTP/3 has more memory than a tunnel needs
  ByteVector early_capsules_;  // that came before the admission
  bool offers_v6_ = false;
  SourceFilter client_addresses_;
  SendQueue queue_;
  Clock::time_point visit_ends_;  // for those who get no tunnel
  Clock::time_point now_;         // of the call being served
};

}  // namespace slopn::session
