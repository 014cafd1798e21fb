#include "libtunnel/quic/quic_connection.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <limits>

#include "libtunnel/quic/native_memory.hpp"
#include "libtunnel/quic/quic_native.hpp"

namespace slopn::quic {
namespace {

// Only capsules travel on streams, so little credit is enough; a tunnel's packets are datagrams,
// which no flow control holds back.
// Nobody has to be trusted with more: ngtcp2 keeps what comes out of order.
constexpr std::uint64_t kStreamWindowBytes = 32 * 1024;
constexpr std::uint64_t kConnectionWindowBytes = 64 * 1024;
constexpr std::uint64_t kUnidirectionalStreams = 8;  // control, two of QPACK, room for grease
constexpr std::uint64_t kMaxDatagramFrameBytes = 65535;
constexpr std::uint64_t kInitialConnectionIdBytes = 18;
// One in use, the others for moves that follow each other faster than new ones come.
constexpr std::uint64_t kActiveConnectionIds = 3;
// What it takes to confirm a new path and to measure it, at both ends and on a long way.
constexpr Clock::duration kMeasuringTime = std::chrono::milliseconds(700);

// DATAGRAM frame in a short-header packet, RFC 9221 section 4 and RFC 9000 section 17.3.1:
// | flags 1 | dcid | packet number 4 | type 1 | length 2 | payload | tag 16 |
constexpr std::size_t kDatagramOverheadBytes = 1 + 4 + 1 + 2 + 16;

// UDP payloads of the usual outer MTUs: 1500, PPPoE, tunnels, 1400, 1280; and 1314, the least that
// carries IPv6 inside. ngtcp2 tries them in this order and leaves out what an earlier answer
// decides. A size that fails takes half a second, one that fits a round trip: so the most likely
// comes first, then one that is enough for IPv6.
constexpr std::array<std::uint16_t, 10> kMtuProbes = {1472, 1372, 1424, 1452, 1444,
                                                      1392, 1352, 1314, 1252, 1232};
// RFC 9002 sections 6.1.2 and 6.2.1; the peer's delay is the default that nobody changes.
constexpr std::uint64_t kTimerGranularity = NGTCP2_MILLISECONDS;
constexpr Clock::duration kMaxAckDelay = std::chrono::milliseconds(25);

constexpr std::size_t kIpV6ExtraBytes = 20;  // its header against that of IPv4
constexpr std::size_t kLeastMaxPayloadBytes = 1200 + kIpV6ExtraBytes;  // RFC 9000 section 14

ngtcp2_cc_algo native_algorithm(CongestionControl choice) noexcept
{
  switch (choice) {
    case CongestionControl::bbr:
      return NGTCP2_CC_ALGO_BBR;
    case CongestionControl::cubic:
      return NGTCP2_CC_ALGO_CUBIC;
    case CongestionControl::reno:
      return NGTCP2_CC_ALGO_RENO;
  }
  return NGTCP2_CC_ALGO_BBR;
}

ngtcp2_settings native_settings(const QuicOptions& options, const UdpPath& path,
                                Clock::time_point now)
{
  ngtcp2_settings settings;
  ngtcp2_settings_default(&settings);
  settings.initial_ts = to_native(now);
  settings.cc_algo = native_algorithm(options.congestion_control);
  settings.handshake_timeout = to_native(options.handshake_timeout);
  const std::size_t max_bytes = std::max(options.max_udp_payload_bytes, kLeastMaxPayloadBytes);
  settings.max_tx_udp_payload_size =
      max_bytes - (path.remote.address.is_v6() ? kIpV6ExtraBytes : 0);
  settings.pmtud_probes = kMtuProbes.data();
  settings.pmtud_probeslen = kMtuProbes.size();
  return settings;
}

ngtcp2_transport_params native_parameters(const QuicOptions& options)
{
  ngtcp2_transport_params parameters;
  ngtcp2_transport_params_default(&parameters);
  parameters.initial_max_stream_data_bidi_local = kStreamWindowBytes;
  parameters.initial_max_stream_data_bidi_remote = kStreamWindowBytes;
  parameters.initial_max_stream_data_uni = kStreamWindowBytes;
  parameters.initial_max_data = kConnectionWindowBytes;
  parameters.initial_max_streams_bidi = options.max_request_streams;
  parameters.initial_max_streams_uni = kUnidirectionalStreams;
  parameters.max_idle_timeout = to_native(options.idle_timeout);
  parameters.max_datagram_frame_size = kMaxDatagramFrameBytes;
  parameters.active_connection_id_limit = kActiveConnectionIds;
  return parameters;
}

// What our own side of TLS found wrong.
Error tls_close_reason(std::uint8_t alert)
{
  const std::string name = SSL_alert_desc_string_long(alert);
  const bool about_identity =
      alert == SSL_AD_BAD_CERTIFICATE || alert == SSL_AD_UNKNOWN_CA ||
      alert == SSL_AD_CERTIFICATE_EXPIRED || alert == SSL_AD_CERTIFICATE_UNKNOWN ||
      alert == SSL_AD_UNSUPPORTED_CERTIFICATE || alert == SSL_AD_CERTIFICATE_REVOKED;
  return fail(about_identity ? Errc::identity_mismatch : Errc::tls_failure, "TLS: " + name);
}

// What a CONNECTION_CLOSE from the peer means to us.
Error peer_close_reason(const ngtcp2_ccerr& told)
{
  constexpr std::uint64_t kCryptoErrorBase = 0x100;  // RFC 9000 section 20.1
  constexpr std::uint64_t kHttp3NoError = 0x100;     // RFC 9114 section 8.1
  const std::string said{as_text(view(told.reason, told.reasonlen))};
  const std::string reason = said.empty() ? std::string{} : " (\"" + said + "\")";
  if (told.type == NGTCP2_CCERR_TYPE_APPLICATION) {
    if (told.error_code == kHttp3NoError) return fail(Errc::peer_closed, "connection" + reason);
    return fail(Errc::refused,
                "peer's application error " + std::to_string(told.error_code) + reason);
  }
  if ((told.error_code & ~std::uint64_t{0xff}) == kCryptoErrorBase)
    return fail(Errc::tls_failure,
                "peer's TLS alert " + std::to_string(told.error_code & 0xff) + reason);
  // What a close by the application looks like before the handshake is done (RFC 9000 s. 10.2.3).
  if (told.error_code == NGTCP2_APPLICATION_ERROR)
    return fail(Errc::refused, "peer gave the handshake up" + reason);
  if (told.error_code == NGTCP2_CONNECTION_REFUSED)
    return fail(Errc::refused, "peer takes no connection now" + reason);
  if (told.error_code == NGTCP2_NO_ERROR) return fail(Errc::peer_closed, "connection" + reason);
  return fail(Errc::protocol_violation,
              "peer's transport error " + std::to_string(told.error_code) + reason);
}

}  // namespace

QuicConnection::QuicConnection(QuicApplication& application, ConnectionIdRegistry* registry)
    : application_(application), registry_(registry), native_(std::make_unique<Native>())
{
  ngtcp2_ccerr_default(&native_->error);
  native_->conn_ref.user_data = this;
  native_->conn_ref.get_conn = [](ngtcp2_crypto_conn_ref* ref) {
    return static_cast<QuicConnection*>(ref->user_data)->native_->conn.get();
  };
}

QuicConnection::~QuicConnection() = default;

Result<std::unique_ptr<QuicConnection>> QuicConnection::connect(const ClientOrder& order,
                                                                QuicApplication& application,
                                                                Clock::time_point now)
{
  std::unique_ptr<QuicConnection> made{new QuicConnection{application, nullptr}};
  Native& native = *made->native_;
  RAND_bytes(native.reset_secret.data(), native.reset_secret.size());

  const ngtcp2_callbacks callbacks = Native::callbacks(true);
  const ngtcp2_settings settings = native_settings(order.options, order.path, now);
  ngtcp2_transport_params parameters = native_parameters(order.options);
  parameters.initial_max_streams_bidi = 0;  // requests go one way (RFC 9114 section 6.1)
  const ngtcp2_cid destination = random_id(kInitialConnectionIdBytes);
  const ngtcp2_cid source = random_id(ConnectionIdFactory::kBytes);
  NativePath path{order.path};
  ngtcp2_conn* conn = nullptr;
  if (const int error =
          ngtcp2_conn_client_new(&conn, &destination, &source, path.get(), NGTCP2_PROTO_VER_V1,
                                 &callbacks, &settings, &parameters, native_memory(), made.get());
      error != 0)
    return fail(Errc::invalid_argument, ngtcp2_strerror(error));
  if (auto adopted = made->adopt(conn, order.tls, now); !adopted) return adopted.error();
  made->keep_alive_ = order.options.keep_alive;
  ngtcp2_conn_set_keep_alive_timeout(conn, to_native(made->keep_alive_));
  made->pacing_ = order.options.pacing;
  return made;
}

Result<std::unique_ptr<QuicConnection>> QuicConnection::accept(const ServerOrder& order,
                                                               QuicApplication& application,
                                                               Clock::time_point now)
{
  std::unique_ptr<QuicConnection> made{new QuicConnection{application, &order.registry}};
  Native& native = *made->native_;
  native.id_factory = order.id_factory;
  native.reset_secret = order.reset_secret;

  const ngtcp2_callbacks callbacks = Native::callbacks(false);
  ngtcp2_settings settings = native_settings(order.options, order.path, now);
  settings.token = u8(order.initial.token.data());
  settings.tokenlen = order.initial.token.size();
  ngtcp2_transport_params parameters = native_parameters(order.options);
  parameters.original_dcid_present = 1;
  parameters.original_dcid = to_native(order.initial.client_chosen);
  if (order.initial.before_retry) {
    settings.token_type = NGTCP2_TOKEN_TYPE_RETRY;
    parameters.original_dcid = to_native(*order.initial.before_retry);
    parameters.retry_scid_present = 1;
    parameters.retry_scid = to_native(order.initial.client_chosen);
  }
  const ngtcp2_cid destination = to_native(order.initial.client_source);
  const ngtcp2_cid source = to_native(order.id_factory.make());
  parameters.stateless_reset_token_present =
      ngtcp2_crypto_generate_stateless_reset_token(parameters.stateless_reset_token,
                                                   order.reset_secret.data(),
                                                   order.reset_secret.size(), &source) == 0;
  NativePath path{order.path};
  ngtcp2_conn* conn = nullptr;
  if (const int error =
          ngtcp2_conn_server_new(&conn, &destination, &source, path.get(), order.initial.version,
                                 &callbacks, &settings, &parameters, native_memory(), made.get());
      error != 0)
    return fail(Errc::invalid_argument, ngtcp2_strerror(error));
  if (auto adopted = made->adopt(conn, order.tls, now); !adopted) return adopted.error();
  made->pacing_ = order.options.pacing;
  // The client's later packets carry ours; a repeated first one still carries its own.
  order.registry.on_id_added(from_native(source));
  order.registry.on_id_added(order.initial.client_chosen);
  return made;
}

Result<> QuicConnection::adopt(ngtcp2_conn* conn, const TlsContext& tls, Clock::time_point now)
{
  native_->last_tick = to_native(now);
  native_->conn.reset(conn);
  native_->tls.reset(tls.new_handshake());
  if (!native_->tls) return fail(Errc::tls_failure, "begin a TLS handshake");
  SSL_set_app_data(native_->tls.get(), &native_->conn_ref);
  ngtcp2_conn_set_tls_native_handle(conn, native_->tls.get());
  noticed_payload_bytes_ = path_payload_bytes();
  return {};
}

void QuicConnection::read(const UdpPath& path, EcnBits ecn, ByteView packet, Clock::time_point now)
{
  if (ending() || packet.empty()) return;
  const ngtcp2_pkt_info info{.ecn = ecn};
  const int error = ngtcp2_conn_read_pkt(native_->conn.get(), native_->paths.to_native(path), &info,
                                         u8(packet.data()), packet.size(), native_->tick(now));
  if (error != 0) return fail_native(error);
  (void)notice_path_mtu(now);
}

bool QuicConnection::write_datagram(std::span<const ByteView> pieces, PacketTrain& train,
                                    Clock::time_point now)
{
  if (ending()) return true;  // lost like everything after the end
  std::array<ngtcp2_vec, kMaxDatagramPieces> vectors{};
  const std::size_t count = std::min(pieces.size(), vectors.size());
  for (std::size_t i = 0; i < count; ++i) vectors[i] = to_native(pieces[i]);
  while (train.has_room()) {
    ngtcp2_pkt_info info{};
    int accepted = 0;
    const MutableByteView out = train.tail();
    const ngtcp2_ssize size = ngtcp2_conn_writev_datagram(
        native_->conn.get(), native_->paths.slot(), &info, u8(out.data()), out.size(), &accepted, 0,
        0, vectors.data(), count, native_->tick(now));
    // Before the handshake is done, or longer than the peer allows: nothing can carry it.
    if (size == NGTCP2_ERR_INVALID_STATE || size == NGTCP2_ERR_INVALID_ARGUMENT) return true;
    if (size < 0) {
      fail_native(static_cast<int>(size));
      return true;
    }
    if (size == 0) return false;  // the congestion window is full, or the pacer says later
    train.append(static_cast<std::size_t>(size), native_->paths.written(), info.ecn);
    burst_bytes_ += static_cast<std::size_t>(size);
    if (pacing_ && burst_bytes_ >= ngtcp2_conn_get_send_quantum(native_->conn.get()))
      end_burst(now);
    // A packet without the datagram: a pending ACK took its place, so the datagram goes next.
    if (accepted != 0) return true;
  }
  return false;
}

void QuicConnection::write(PacketTrain& train, Clock::time_point now)
{
  if (state_ == State::must_tell_peer) return write_close(train, now);
  if (answer_demanded_) write_ping(train, now);
  do {
    while (state_ == State::open && train.has_room() && write_stream_packet(train, now)) {
    }
    // Writing gives up on paths and probes; the application may have to say something then.
  } while (notice_path_mtu(now) && train.has_room());
  if (state_ == State::must_tell_peer) return write_close(train, now);
  if (pacing_ && burst_bytes_ > 0) end_burst(now);
}

// Without this call ngtcp2 does not pace.
void QuicConnection::end_burst(Clock::time_point now)
{
  if (ending()) return;
  ngtcp2_conn_update_pkt_tx_time(native_->conn.get(), native_->tick(now));
  burst_bytes_ = 0;
}

// Writes at most one packet; false when nothing more is due.
bool QuicConnection::write_stream_packet(PacketTrain& train, Clock::time_point now)
{
  const MutableByteView out = train.tail();
  for (;;) {
    chunk_.stream = -1;
    chunk_.fin = false;
    chunk_.pieces.clear();
    // Without credit for the connection ngtcp2 would call every stream blocked, and nothing would
    // ever unblock them.
    if (handshake_completed_ && ngtcp2_conn_get_max_data_left(native_->conn.get()) > 0)
      application_.next_chunk(chunk_);
    if (ending()) return false;
    std::array<ngtcp2_vec, StreamChunk::kMaxPieces> pieces{};
    const std::size_t count = std::min(chunk_.pieces.size(), pieces.size());
    for (std::size_t i = 0; i < count; ++i) pieces[i] = to_native(chunk_.pieces[i]);

    ngtcp2_pkt_info info{};
    ngtcp2_ssize stream_bytes = -1;
    const std::uint32_t flags =
        NGTCP2_WRITE_STREAM_FLAG_MORE | (chunk_.fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0U);
    const ngtcp2_ssize size = ngtcp2_conn_writev_stream(
        native_->conn.get(), native_->paths.slot(), &info, u8(out.data()), out.size(),
        &stream_bytes, flags, chunk_.stream, pieces.data(), count, native_->tick(now));

    if (size == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
      application_.on_stream_blocked(chunk_.stream);
      continue;
    }
    if (size == NGTCP2_ERR_STREAM_SHUT_WR || size == NGTCP2_ERR_STREAM_NOT_FOUND) {
      application_.on_stream_unwritable(chunk_.stream);
      continue;
    }
    if (size < 0 && size != NGTCP2_ERR_WRITE_MORE) {
      fail_native(static_cast<int>(size));
      return false;
    }
    if (stream_bytes >= 0)
      application_.on_chunk_written(chunk_.stream, static_cast<std::size_t>(stream_bytes));
    if (ending()) return false;
    if (size == NGTCP2_ERR_WRITE_MORE) continue;
    if (size == 0) return false;
    train.append(static_cast<std::size_t>(size), native_->paths.written(), info.ecn);
    return true;
  }
}

void QuicConnection::write_close(PacketTrain& train, Clock::time_point now)
{
  if (!train.has_room()) return;  // the next call tells it
  ngtcp2_pkt_info info{};
  const MutableByteView out = train.tail();
  const ngtcp2_ssize size = ngtcp2_conn_write_connection_close(
      native_->conn.get(), native_->paths.slot(), &info, u8(out.data()), out.size(),
      &native_->error, native_->tick(now));
  if (size > 0) train.append(static_cast<std::size_t>(size), native_->paths.written(), info.ecn);
  state_ = State::closed;
}

Clock::time_point QuicConnection::next_deadline() const noexcept
{
  if (state_ == State::must_tell_peer) return Clock::time_point::min();
  if (state_ == State::closed) return Clock::time_point::max();
  const Clock::time_point own = measured_until_.value_or(Clock::time_point::max());
  const ngtcp2_tstamp expiry = ngtcp2_conn_get_expiry(native_->conn.get());
  if (expiry == std::numeric_limits<ngtcp2_tstamp>::max()) return own;
  return std::min(own, Clock::time_point{std::chrono::nanoseconds{expiry}});
}

void QuicConnection::on_deadline(Clock::time_point now)
{
  if (ending()) return;
  const ngtcp2_tstamp tick = native_->tick(now);
  if (ngtcp2_conn_get_expiry(native_->conn.get()) <= tick) {
    const int error = ngtcp2_conn_handle_expiry(native_->conn.get(), tick);
    if (error != 0) return fail_native(error);
  }
  (void)notice_path_mtu(now);
}

Result<> QuicConnection::migrate(const UdpPath& path, Clock::time_point now)
{
  if (ending()) return fail(Errc::cancelled, "move a connection that is over");
  NativePath native{path};
  const int error = ngtcp2_conn_initiate_immediate_migration(native_->conn.get(), native.get(),
                                                             native_->tick(now));
  switch (error) {
    case 0:
      break;
    case NGTCP2_ERR_INVALID_STATE:
      return fail(Errc::refused, "move the connection to another address");
    case NGTCP2_ERR_CONN_ID_BLOCKED:
      return fail(Errc::busy, "move the connection to another address again, so soon");
    case NGTCP2_ERR_INVALID_ARGUMENT:
      return fail(Errc::invalid_argument, "move the connection to the address it has");
    default:
      fail_native(error);
      return fail(Errc::protocol_violation, ngtcp2_strerror(error));
  }
  burst_bytes_ = 0;
  (void)notice_path_mtu(now);
  return {};
}

// ngtcp2 sends a PING by itself only when a keep-alive is due: so one is due now.
void QuicConnection::write_ping(PacketTrain& train, Clock::time_point now)
{
  answer_demanded_ = false;
  if (!handshake_completed_ || !train.has_room()) return;
  ngtcp2_conn_set_keep_alive_timeout(native_->conn.get(), 1);
  (void)write_stream_packet(train, now);
  if (!ending()) ngtcp2_conn_set_keep_alive_timeout(native_->conn.get(), to_native(keep_alive_));
}

void QuicConnection::close(AppErrorCode code, Error reason)
{
  if (ending()) return;
  native_->tell(code, {});
  end(State::must_tell_peer, std::move(reason));
}

void QuicConnection::end(State state, Error reason)
{
  state_ = state;
  close_reason_ = std::move(reason);
}

// ngtcp2 has given up; this decides what the peer is told and what our side calls it.
void QuicConnection::fail_native(int native_error)
{
  if (ending()) return;
  switch (native_error) {
    case NGTCP2_ERR_DRAINING:
      return notice_peer_close();
    case NGTCP2_ERR_CLOSING:
      return end(State::closed, fail(Errc::peer_closed, "connection"));
    case NGTCP2_ERR_IDLE_CLOSE:
      return end(State::closed, fail(Errc::timed_out, "peer fell silent"));
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
      return end(State::closed, fail(Errc::timed_out, "QUIC handshake"));
    case NGTCP2_ERR_RETRY:
      wants_address_proof_ = true;
      return end(State::closed, fail(Errc::invalid_packet, "first packet"));
    case NGTCP2_ERR_DROP_CONN:
      return end(State::closed, fail(Errc::invalid_packet, "first packet"));
    case NGTCP2_ERR_VERSION_NEGOTIATION:
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
      return end(State::closed,
                 fail(Errc::protocol_violation, "gateway speaks no QUIC version of ours"));
    default:
      break;
  }
  if (native_error == NGTCP2_ERR_CRYPTO) {
    const std::uint8_t alert = ngtcp2_conn_get_tls_alert(native_->conn.get());
    ngtcp2_ccerr_set_tls_alert(&native_->error, alert, nullptr, 0);
    return end(State::must_tell_peer, tls_close_reason(alert));
  }
  ngtcp2_ccerr_set_liberr(&native_->error, native_error, nullptr, 0);
  end(State::must_tell_peer, fail(Errc::protocol_violation, ngtcp2_strerror(native_error)));
}

void QuicConnection::notice_peer_close()
{
  if (peer_lost_state_)
    return end(State::closed, fail(Errc::peer_closed, "peer no longer knows the connection"));
  const ngtcp2_ccerr* told = ngtcp2_conn_get_ccerr(native_->conn.get());
  end(State::closed, peer_close_reason(*told));
}

std::size_t QuicConnection::path_payload_bytes() const noexcept
{
  return ngtcp2_conn_get_path_max_tx_udp_payload_size(native_->conn.get());
}

// Tells the application; whether there was something to tell. Payloads become shorter only when the
// path is another: then ngtcp2 begins at the least and finds out more within some round trips, which
// is not worth changing an interface's MTU for.
bool QuicConnection::notice_path_mtu(Clock::time_point now)
{
  if (!handshake_completed_ || ending()) return false;
  const std::size_t payload_bytes = path_payload_bytes();
  if (payload_bytes < noticed_payload_bytes_) {
    if (!measured_until_) measured_until_ = now + kMeasuringTime;
    if (now < *measured_until_) return false;
  }
  measured_until_.reset();
  if (payload_bytes == noticed_payload_bytes_) return false;
  noticed_payload_bytes_ = payload_bytes;
  application_.on_path_mtu(noticed_payload_bytes_);
  return true;
}

Result<StreamId> QuicConnection::open_bidirectional_stream()
{
  StreamId stream = -1;
  if (const int error = ngtcp2_conn_open_bidi_stream(native_->conn.get(), &stream, nullptr);
      error != 0)
    return fail(Errc::refused, ngtcp2_strerror(error));
  return stream;
}

Result<StreamId> QuicConnection::open_unidirectional_stream()
{
  StreamId stream = -1;
  if (const int error = ngtcp2_conn_open_uni_stream(native_->conn.get(), &stream, nullptr);
      error != 0)
    return fail(Errc::refused, ngtcp2_strerror(error));
  return stream;
}

void QuicConnection::consume(StreamId stream, std::size_t size_bytes)
{
  ngtcp2_conn_extend_max_stream_offset(native_->conn.get(), stream, size_bytes);
  ngtcp2_conn_extend_max_offset(native_->conn.get(), size_bytes);
}

void QuicConnection::abort_stream(StreamId stream, AppErrorCode code)
{
  ngtcp2_conn_shutdown_stream(native_->conn.get(), 0, stream, code);
}

std::size_t QuicConnection::max_datagram_bytes() const noexcept
{
  if (!handshake_completed_) return 0;
  const ngtcp2_transport_params* theirs =
      ngtcp2_conn_get_remote_transport_params(native_->conn.get());
  if (theirs == nullptr || theirs->max_datagram_frame_size == 0) return 0;
  const std::size_t overhead =
      kDatagramOverheadBytes + ngtcp2_conn_get_dcid(native_->conn.get())->datalen;
  const std::size_t by_path =
      noticed_payload_bytes_ > overhead ? noticed_payload_bytes_ - overhead : 0;
  // The peer's limit counts the frame's type and length too (RFC 9221 section 3).
  const std::uint64_t by_peer =
      theirs->max_datagram_frame_size > 3 ? theirs->max_datagram_frame_size - 3 : 0;
  return static_cast<std::size_t>(std::min<std::uint64_t>(by_path, by_peer));
}

HandshakeFacts QuicConnection::handshake_facts() const
{
  const SSL* tls = native_->tls.get();
  HandshakeFacts facts;
  if (tls == nullptr) return facts;
  if (const SSL_CIPHER* cipher = SSL_get_current_cipher(tls))
    facts.cipher = SSL_CIPHER_standard_name(cipher);
  if (const char* group = SSL_get_curve_name(SSL_get_curve_id(tls)))
    facts.key_exchange_group = group;
  return facts;
}

PathFacts QuicConnection::path_facts() const
{
  ngtcp2_conn_info info{};
  ngtcp2_conn_get_conn_info(native_->conn.get(), &info);
  const std::chrono::nanoseconds smoothed_rtt{info.smoothed_rtt};
  const std::chrono::nanoseconds variation{std::max(4 * info.rttvar, kTimerGranularity)};
  return {.smoothed_rtt = std::chrono::duration_cast<std::chrono::microseconds>(smoothed_rtt),
          .probe_timeout = smoothed_rtt + variation + kMaxAckDelay,
          .received_packets = info.pkt_recv,
          .answer_due = info.bytes_in_flight > 0};
}

UdpPath QuicConnection::path() const
{
  return from_native(*ngtcp2_conn_get_path(native_->conn.get()));
}

std::optional<crypto::SpkiPin> QuicConnection::peer_certificate_pin() const
{
  return native_->tls ? peer_pin(*native_->tls) : std::nullopt;
}

Result<ByteVector> QuicConnection::export_keying_material(std::string_view label, ByteView context,
                                                          std::size_t size_bytes) const
{
  if (!handshake_completed_ || !native_->tls)
    return fail(Errc::invalid_argument, "TLS exporter outside of the handshake's time");
  ByteVector out(size_bytes);
  if (SSL_export_keying_material(native_->tls.get(), u8(out.data()), out.size(), label.data(),
                                 label.size(), u8(context.data()), context.size(), 1) != 1)
    return fail(Errc::tls_failure, "TLS exporter");
  return out;
}

void QuicConnection::release_tls() noexcept
{
  if (!handshake_completed_) return;
  ngtcp2_conn_set_tls_native_handle(native_->conn.get(), nullptr);
  native_->tls.reset();
}

}  // namespace slopn::quic
