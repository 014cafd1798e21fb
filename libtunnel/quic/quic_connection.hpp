#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/clock.hpp"
#include "libtunnel/base/result.hpp"
#include "libtunnel/crypto/certificate.hpp"
#include "libtunnel/quic/connection_id.hpp"
#include "libtunnel/quic/packet_train.hpp"
#include "libtunnel/quic/tls_context.hpp"

struct ngtcp2_conn;

namespace slopn::quic {

using StreamId = std::int64_t;

/// An application error code (RFC 9114 section 8.1 for HTTP/3).
using AppErrorCode = std::uint64_t;

/// What the application wants to send on a stream next.
struct StreamChunk {
  static constexpr std::size_t kMaxPieces = 16;
  StreamId stream = -1;  ///< -1: nothing to send.
  bool fin = false;
  std::vector<ByteView> pieces;  ///< Valid until acknowledged; `kMaxPieces` at most.
};

/// What runs on top of a QUIC connection. Called from inside the connection's methods; may call
/// only `close()` and what is listed under "For the application". Whoever cannot go on calls
/// `close()`, and nothing more is delivered.
class QuicApplication {
 public:
  virtual ~QuicApplication() = default;

  virtual void on_handshake_completed() = 0;
  virtual void on_stream_data(StreamId stream, ByteView data, bool fin) = 0;
  virtual void on_stream_acked(StreamId stream, std::uint64_t size_bytes) = 0;
  virtual void on_stream_closed(StreamId stream, std::optional<AppErrorCode> error) = 0;
  virtual void on_stream_reset(StreamId stream) = 0;   ///< The peer gave up sending.
  virtual void on_stream_unread(StreamId stream) = 0;  ///< We did: `abort_stream()`.
  virtual void on_stream_credit(StreamId stream) = 0;  ///< More may be sent on a blocked stream.
  virtual void on_datagram(ByteView payload) = 0;      ///< Valid only during the call.
  /// The longest UDP payload that the path carries has changed (RFC 8899).
  virtual void on_path_mtu(std::size_t udp_payload_bytes) = 0;

  /// Fills `chunk`, which comes in empty, with what is to be sent next.
  virtual void next_chunk(StreamChunk& chunk) = 0;
  virtual void on_chunk_written(StreamId stream, std::size_t size_bytes) = 0;
  virtual void on_stream_blocked(StreamId stream) = 0;     ///< No credit: ask again later.
  virtual void on_stream_unwritable(StreamId stream) = 0;  ///< The peer will never read it.
};

/// Who keeps the table from connection IDs to connections; a gateway's endpoint.
class ConnectionIdRegistry {
 public:
  virtual ~ConnectionIdRegistry() = default;
  virtual void on_id_added(const ConnectionId& id) = 0;
  virtual void on_id_retired(const ConnectionId& id) = 0;
};

enum class CongestionControl : std::uint8_t { bbr, cubic, reno };

struct QuicOptions {
  /// The longest UDP payload to try over IPv4: what path MTU discovery ends at. 1472 is an MTU of
  /// 1500. Over IPv6, whose header is longer, it ends 20 bytes earlier. At least 1220.
  std::size_t max_udp_payload_bytes = 1472;
  Clock::duration idle_timeout = std::chrono::seconds(30);
  Clock::duration keep_alive = std::chrono::seconds(10);  ///< Zero: none.
  Clock::duration handshake_timeout = std::chrono::seconds(10);
  CongestionControl congestion_control = CongestionControl::bbr;
  /// Spreads packets over time (RFC 9002 section 7.7) instead of sending what the window allows.
  bool pacing = false;
  /// Requests a peer may have open at once.
  std::uint32_t max_request_streams = 16;
};

/// How the peers agreed to talk.
struct HandshakeFacts {
  std::string cipher;              ///< "TLS_AES_128_GCM_SHA256"
  std::string key_exchange_group;  ///< "X25519MLKEM768"
};

struct PathFacts {
  std::chrono::microseconds smoothed_rtt{0};
  /// RFC 9002 section 6.2.1: a peer that is there has answered by then.
  Clock::duration probe_timeout{0};
  std::uint64_t received_packets = 0;  ///< That the peer had sealed and we could open.
  bool answer_due = false;             ///< Something is out that the peer has to acknowledge.
};

/// A client's first packet as the gateway's door let it in (`ServerDoor`).
struct AcceptedInitial {
  std::uint32_t version = 0;
  ConnectionId client_chosen;  ///< Destination of the packet.
  ConnectionId client_source;
  std::optional<ConnectionId> before_retry;  ///< Set when a Retry token was verified.
  ByteVector token;                          ///< The verified token, or empty.
};

/// Makes stateless reset tokens that outlive a restart (RFC 9000 section 10.3.2).
using ResetSecret = std::array<std::uint8_t, 32>;

/// One QUIC connection (RFC 9000, with DATAGRAM frames of RFC 9221): bytes and time in, bytes out.
/// No socket, no clock, no thread: all methods belong to one thread. A `now` before that of an
/// earlier call counts as the earlier one.
///
/// After a failure or `close()`, one last packet is written that tells the peer; then the
/// connection is `closed()` for good and says why in `close_reason()`.
class QuicConnection {
 public:
  struct ClientOrder {
    const TlsContext& tls;
    UdpPath path;
    QuicOptions options;
  };
  struct ServerOrder {
    const TlsContext& tls;
    UdpPath path;
    QuicOptions options;
    AcceptedInitial initial;
    ConnectionIdFactory id_factory;
    ConnectionIdRegistry& registry;
    ResetSecret reset_secret;
  };

  /// `application` outlives the connection, and so does the TLS context.
  [[nodiscard]] static Result<std::unique_ptr<QuicConnection>> connect(const ClientOrder& order,
                                                                       QuicApplication& application,
                                                                       Clock::time_point now);
  [[nodiscard]] static Result<std::unique_ptr<QuicConnection>> accept(const ServerOrder& order,
                                                                      QuicApplication& application,
                                                                      Clock::time_point now);

  QuicConnection(const QuicConnection&) = delete;
  QuicConnection& operator=(const QuicConnection&) = delete;
  ~QuicConnection();

  /// Takes one UDP payload. What is wrong with it is the peer's problem: see `closed()`.
  void read(const UdpPath& path, EcnBits ecn, ByteView packet, Clock::time_point now);

  static constexpr std::size_t kMaxDatagramPieces = 4;
  /// Puts one DATAGRAM frame that holds `pieces`, one behind the other, into the train. False when
  /// the congestion window or the train is full: nothing was taken. What is longer than
  /// `max_datagram_bytes()` counts as taken and is lost: check before.
  [[nodiscard]] bool write_datagram(std::span<const ByteView> pieces, PacketTrain& train,
                                    Clock::time_point now);

  /// Everything else that is due: handshake, acknowledgements, streams, probes, the last word.
  /// Call it when no datagram waits, after `read()` and at `next_deadline()`.
  void write(PacketTrain& train, Clock::time_point now);

  /// When to call `on_deadline()` and `write()`, unless something happens before.
  [[nodiscard]] Clock::time_point next_deadline() const noexcept;
  void on_deadline(Clock::time_point now);

  /// Goes on from another address or port of ours, at once; only on a client (RFC 9000 section 9.2).
  /// `path_confirmed()` when the peer has answered there. Until the longest payload of the new path
  /// is known, datagrams that are too long for it wait, and nothing is said about a smaller one.
  /// Errc::refused: the peer does not want it, or the handshake is not over; Errc::busy: it has
  /// given us no connection ID for it yet.
  [[nodiscard]] Result<> migrate(const UdpPath& path, Clock::time_point now);
  [[nodiscard]] bool path_confirmed() const noexcept { return !confirming_path_; }
  /// The next `write()` demands a sign of life from the peer (PING), if the congestion window has
  /// room for one; otherwise what is out demands it already.
  void demand_answer() noexcept { answer_demanded_ = true; }

  /// Ends the connection on purpose; the next `write()` says so to the peer.
  void close(AppErrorCode code, Error reason);
  /// Nothing will be read or written any more. Before that, `ending()` says the end is near.
  [[nodiscard]] bool closed() const noexcept { return state_ == State::closed; }
  [[nodiscard]] bool ending() const noexcept { return state_ != State::open; }
  /// Why; only when `ending()`.
  [[nodiscard]] const Error& close_reason() const noexcept { return *close_reason_; }
  /// Only when `closed()`, on a gateway: the first packet holds a part of the client's greeting
  /// that is not its first, so the client must prove its address before we keep that.
  [[nodiscard]] bool wants_address_proof() const noexcept { return wants_address_proof_; }

  // For the application.
  [[nodiscard]] Result<StreamId> open_bidirectional_stream();
  [[nodiscard]] Result<StreamId> open_unidirectional_stream();
  /// Gives the peer credit for bytes it may send again.
  void consume(StreamId stream, std::size_t size_bytes);
  /// Stops both directions (RESET_STREAM and STOP_SENDING).
  void abort_stream(StreamId stream, AppErrorCode code);

  /// Longest DATAGRAM payload in bytes, prefix included, that fits the path at present;
  /// 0 before the handshake, or if the peer takes none.
  [[nodiscard]] std::size_t max_datagram_bytes() const noexcept;
  [[nodiscard]] bool handshake_completed() const noexcept { return handshake_completed_; }
  [[nodiscard]] HandshakeFacts handshake_facts() const;
  [[nodiscard]] PathFacts path_facts() const;
  [[nodiscard]] UdpPath path() const;
  [[nodiscard]] std::optional<crypto::SpkiPin> peer_certificate_pin() const;
  /// RFC 8446 section 7.5; the handshake must be complete.
  [[nodiscard]] Result<ByteVector> export_keying_material(std::string_view label, ByteView context,
                                                          std::size_t size_bytes) const;
  /// Gives back what TLS keeps after the handshake, 6 KB. Only on a gateway, to which nobody sends
  /// TLS messages then (RFC 9001 sections 4.4 and 6); who does loses the connection. From now on
  /// there are no handshake facts, no peer certificate and no exporter.
  void release_tls() noexcept;

 private:
  struct Native;     // ngtcp2's and TLS's handles, kept out of this header
  struct Callbacks;  // what ngtcp2 calls
  enum class State : std::uint8_t { open, must_tell_peer, closed };

  QuicConnection(QuicApplication& application, ConnectionIdRegistry* registry);
  void write_close(PacketTrain& train, Clock::time_point now);
  void end_burst(Clock::time_point now);
  bool write_stream_packet(PacketTrain& train, Clock::time_point now);
  [[nodiscard]] Result<> adopt(ngtcp2_conn* conn, const TlsContext& tls, Clock::time_point now);
  [[nodiscard]] std::size_t path_payload_bytes() const noexcept;
  void fail_native(int native_error);
  void end(State state, Error reason);
  void notice_peer_close();
  bool notice_path_mtu(Clock::time_point now);
  void write_ping(PacketTrain& train, Clock::time_point now);

  QuicApplication& application_;
  ConnectionIdRegistry* registry_;  // null on a client, which has one connection
  std::unique_ptr<Native> native_;
  State state_ = State::open;
  std::optional<Error> close_reason_;
  bool peer_lost_state_ = false;  // it answered with a stateless reset
  bool wants_address_proof_ = false;
  bool handshake_completed_ = false;
  std::size_t noticed_payload_bytes_ = 0;  // what the application has been told
  // While a new path is measured: when the application is told how little it carries.
  std::optional<Clock::time_point> measured_until_;
  bool confirming_path_ = false;
  bool answer_demanded_ = false;
  Clock::duration keep_alive_{0};
  StreamChunk chunk_;
  bool pacing_ = false;
  std::size_t burst_bytes_ = 0;  // sent since the pacer was told
};

}  // namespace slopn::quic
