#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "libtunnel/core/connect_ip_client.hpp"
#include "libtunnel/core/roaming/path_health.hpp"
#include "libtunnel/core/tunnel_phase.hpp"
#include "libtunnel/core/wire/private_features.hpp"
#include "libtunnel/crypto/keys.hpp"
#include "libtunnel/quic/http3_connection.hpp"
#include "libtunnel/session/send_queue.hpp"

namespace slopn::session {

/// How a client shows who it is. A TLS client certificate is part of the TLS context instead.
struct NoCredentials {};
struct BearerCredentials {
  Secret<std::string> token;
};
/// Concealed authentication (RFC 9729) with an Ed25519 key.
struct ConcealedKey {
  crypto::KeyPair key;
};
using Credentials = std::variant<NoCredentials, BearerCredentials, ConcealedKey>;

struct ClientSessionOptions {
  std::string authority;  ///< ":authority", "vpn.example.org:443".
  std::string path = "/.well-known/masque/ip/*/*/";
  Credentials credentials;
  ConnectIpClientOptions connect_ip;
  quic::QuicOptions quic;
  HealthPolicy health;
  std::size_t max_mtu_bytes = 65535;        ///< Never announce a longer inner MTU.
  std::size_t max_queue_bytes = 4'000'000;  ///< Of packets that wait for the path.
};

/// What the tunnel is like now.
struct TunnelParameters {
  std::vector<IpPrefix> addresses;  ///< Ours. IPv6 only while 1280 bytes fit (RFC 9484 s. 7.1).
  std::vector<wire::IpRange> routes;
  std::size_t mtu_bytes = 0;
  wire::FeatureGrants features;  ///< What the gateway says beyond CONNECT-IP; not to be trusted.
  friend bool operator==(const TunnelParameters&, const TunnelParameters&) = default;
};

/// Called from inside the session's methods: it may call none of them, but keep notes and look at
/// what is const.
class ClientSessionListener {
 public:
  virtual ~ClientSessionListener() = default;
  /// The handshake is done and the tunnel asked for (`authenticating`), or it was granted
  /// (`configuring`).
  virtual void on_phase(tunnel::Phase) {}
  /// The tunnel may carry packets; called again whenever something in it changes.
  virtual void on_configured(const TunnelParameters& parameters) = 0;
  /// A packet for the host, valid during the call: from the tunnel, or our own ICMP answer.
  virtual void on_inner_packet(ByteView packet) = 0;
};

/// A client's tunnel through one QUIC connection: handshake, HTTP/3, CONNECT-IP, packets.
/// No socket and no clock; `now` never goes back. When it is `closed()`, `close_reason()` says why.
class ClientSession final : private quic::Http3Listener {
 public:
  /// `tls`, `listener` and `outlet` outlive the session.
  [[nodiscard]] static Result<std::unique_ptr<ClientSession>> start(
      const quic::TlsContext& tls, const quic::UdpPath& path, ClientSessionOptions options,
      ClientSessionListener& listener, Outlet& outlet, Clock::time_point now);

  /// Takes one UDP payload. Call `flush()` after a batch of them.
  void read(const quic::UdpPath& path, quic::EcnBits ecn, ByteView packet, Clock::time_point now);

  /// Sends inner packets of the host, or queues them while the path is congested.
  void send(std::span<const HostPacket> packets, Clock::time_point now);
  /// Whether there is room in the queue. Packets beyond it cost others theirs: leave them where
  /// they are, and ask again after the next `read()` or deadline.
  [[nodiscard]] bool wants_packets() const noexcept;

  /// Writes everything else that is due, and sends it.
  void flush(Clock::time_point now);

  [[nodiscard]] Clock::time_point next_deadline() const noexcept;
  /// Does what time demands; `flush()` included.
  void on_deadline(Clock::time_point now);

  /// Goes on over `path`, from another address or port of ours; closes where that cannot be, for the
  /// caller to connect anew. Until `path_confirmed()`, what still comes to the old address counts.
  /// `flush()` included.
  void migrate(const quic::UdpPath& path, Clock::time_point now);
  /// Whether the gateway has been heard since on the path we use.
  [[nodiscard]] bool path_confirmed() const noexcept { return quic_->path_confirmed(); }
  /// There is a reason to doubt the path, as after sleep: asks the gateway for a sign of life, and
  /// closes soon if there is none. `flush()` included.
  void doubt(Clock::time_point now);
  /// The host has no way to the gateway now. Closes unless `migrate()` or a packet comes soon.
  void lose_way(Clock::time_point now) { health_.on_no_way(now); }
  /// When the gateway was last heard, which only an authentic packet proves.
  [[nodiscard]] std::optional<Clock::time_point> last_heard() const noexcept
  {
    return health_.last_heard();
  }

  /// Takes leave of the gateway.
  void close(Clock::time_point now);
  [[nodiscard]] bool closed() const noexcept { return quic_->closed(); }
  [[nodiscard]] const Error& close_reason() const noexcept { return quic_->close_reason(); }

  [[nodiscard]] quic::HandshakeFacts handshake_facts() const { return quic_->handshake_facts(); }
  [[nodiscard]] quic::PathFacts path_facts() const { return quic_->path_facts(); }
  [[nodiscard]] TrafficCounters counters() const;

 private:
  ClientSession(ClientSessionOptions options, ClientSessionListener& listener, Outlet& outlet);

  void on_ready(bool allows_tunnels) override;
  void on_headers(quic::StreamId stream, const quic::HeaderList& headers,
                  quic::MessageEnd end) override;
  void on_body(quic::StreamId stream, ByteView bytes) override;
  void on_body_end(quic::StreamId stream) override;
  void on_stream_gone(quic::StreamId stream) override;
  void on_datagram(ByteView payload) override;
  void on_path_mtu(std::size_t udp_payload_bytes) override;

  [[nodiscard]] Result<quic::HeaderList> make_request() const;
  [[nodiscard]] Result<std::string> concealed_authorization(const crypto::KeyPair& key) const;
  void fail_with(quic::AppErrorCode code, Error reason);
  void note_health();
  void judge_health();
  void after_capsules(Result<> outcome);
  void report();
  void take_packet(ByteView packet);
  void send_one(const HostPacket& packet);
  [[nodiscard]] std::optional<DropReason> why_not_to_leave(
      const std::optional<wire::IpHeader>& header, ByteView packet) const;
  void answer_too_big(offload::Segmenter::Piece packet, const wire::IpHeader& header);

  ClientSessionOptions options_;
  ClientSessionListener& listener_;
  Outbox outbox_;
  SendQueue queue_;
  quic::Http3Connection http_;
  std::unique_ptr<quic::QuicConnection> quic_;
  PathHealth health_;
  std::uint64_t heard_packets_ = 0;  // when health was last noted
  ConnectIpClient connect_ip_;
  std::optional<TunnelPath> tunnel_;
  bool accepted_ = false;
  wire::FeatureGrants features_;
  std::optional<connect_ip::Configured> configured_;
  std::optional<TunnelParameters> reported_;
  SourceFilter own_addresses_;
  wire::IcmpRateLimiter icmp_limit_;
  Clock::time_point now_;  // of the call being served
};

}  // namespace slopn::session
