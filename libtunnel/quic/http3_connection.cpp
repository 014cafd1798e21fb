#include "libtunnel/quic/http3_connection.hpp"

#include <nghttp3/nghttp3.h>

#include <algorithm>
#include <array>

#include "libtunnel/quic/settled_http3.hpp"

namespace slopn::quic {
namespace {

constexpr std::size_t kMaxHeaderBytes = 16 * 1024;
constexpr std::size_t kMaxHeaderFields = 64;

nghttp3_nv to_native(const HeaderField& field) noexcept
{
  // nghttp3 copies both, and takes them by pointers to non-const for historical reasons.
  return {const_cast<std::uint8_t*>(u8(as_bytes(field.name).data())),
          const_cast<std::uint8_t*>(u8(as_bytes(field.value).data())), field.name.size(),
          field.value.size(), NGHTTP3_NV_FLAG_NONE};
}

std::vector<nghttp3_nv> to_native(const HeaderList& headers)
{
  std::vector<nghttp3_nv> native;
  native.reserve(headers.fields().size());
  for (const HeaderField& field : headers.fields()) native.push_back(to_native(field));
  return native;
}

// Bidirectional and begun by the client (RFC 9000 section 2.1).
bool is_request(StreamId stream) noexcept
{
  return (stream & 3) == 0;
}

std::string_view text_of(nghttp3_rcbuf* buffer) noexcept
{
  const nghttp3_vec bytes = nghttp3_rcbuf_get_buf(buffer);
  return as_text(view(bytes.base, bytes.len));
}

}  // namespace

std::string_view HeaderList::get(std::string_view name) const noexcept
{
  const auto found = std::ranges::find(fields_, name, &HeaderField::name);
  return found == fields_.end() ? std::string_view{} : std::string_view{found->value};
}

// Pieces of the body stay where they are until the peer has acknowledged them: nghttp3 and ngtcp2
// point into them and send them again when they are lost.
struct Http3Connection::Stream {
  HeaderList incoming;
  std::size_t incoming_header_bytes = 0;
  std::vector<ByteVector> body;
  std::size_t handed_over = 0;    // pieces at the front that nghttp3 has seen
  std::uint64_t acked_bytes = 0;  // of the front piece
  bool finished = false;
  bool refused = false;  // what still comes in means nothing
  bool blocked = false;  // no credit to send
  FrameReader reader;    // on a gateway: how far the client is

  void forget_acked(std::uint64_t size_bytes)
  {
    acked_bytes += size_bytes;
    std::size_t done = 0;
    while (done < handed_over && acked_bytes >= body[done].size())
      acked_bytes -= body[done++].size();
    body.erase(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(done));
    handed_over -= done;
  }
};

// C calls these; see quic_callbacks.cpp for the rules.
struct Http3Connection::Callbacks {
  static Http3Connection& self(void* user_data) noexcept
  {
    return *static_cast<Http3Connection*>(user_data);
  }

  template <class F>
  static int guarded(void* user_data, F&& action) noexcept
  {
    try {
      action(self(user_data));
      return self(user_data).quic_->ending() ? NGHTTP3_ERR_CALLBACK_FAILURE : 0;
    } catch (...) {
      return NGHTTP3_ERR_CALLBACK_FAILURE;
    }
  }

  static int recv_data(nghttp3_conn*, StreamId stream, const std::uint8_t* data, std::size_t size,
                       void* user_data, void*) noexcept
  {
    return guarded(user_data, [&](Http3Connection& http) {
      http.quic_->consume(stream, size);
      http.listener_.on_body(stream, view(data, size));
    });
  }

  static int deferred_consume(nghttp3_conn*, StreamId stream, std::size_t size, void* user_data,
                              void*) noexcept
  {
    return guarded(user_data, [&](Http3Connection& http) { http.quic_->consume(stream, size); });
  }

  static int begin_headers(nghttp3_conn*, StreamId stream, void* user_data, void*) noexcept
  {
    return guarded(user_data, [&](Http3Connection& http) {
      Stream& state = http.stream_state(stream);
      state.incoming = {};
      state.incoming_header_bytes = 0;
    });
  }

  static int recv_header(nghttp3_conn*, StreamId stream, std::int32_t, nghttp3_rcbuf* name,
                         nghttp3_rcbuf* value, std::uint8_t, void* user_data, void*) noexcept
  {
    return guarded(user_data, [&](Http3Connection& http) {
      Stream& state = http.stream_state(stream);
      if (state.refused) return;
      state.incoming_header_bytes += text_of(name).size() + text_of(value).size();
      if (state.incoming_header_bytes > kMaxHeaderBytes ||
          state.incoming.fields().size() >= kMaxHeaderFields) {
        state.refused = true;
        return http.abort(stream, NGHTTP3_H3_EXCESSIVE_LOAD);
      }
      state.incoming.add(text_of(name), text_of(value));
    });
  }

  static int end_headers(nghttp3_conn*, StreamId stream, int fin, void* user_data, void*) noexcept
  {
    return guarded(user_data, [&](Http3Connection& http) {
      Stream& state = http.stream_state(stream);
      if (state.refused) return;
      const HeaderList headers = std::move(state.incoming);
      http.listener_.on_headers(stream, headers,
                                fin != 0 ? MessageEnd::complete : MessageEnd::more_follows);
    });
  }

  static int end_stream(nghttp3_conn*, StreamId stream, void* user_data, void*) noexcept
  {
    return guarded(user_data, [&](Http3Connection& http) { http.listener_.on_body_end(stream); });
  }

  static int acked(nghttp3_conn*, StreamId stream, std::uint64_t size, void* user_data,
                   void*) noexcept
  {
    return guarded(user_data,
                   [&](Http3Connection& http) { http.stream_state(stream).forget_acked(size); });
  }

  static int stream_close(nghttp3_conn*, StreamId stream, std::uint64_t, void* user_data,
                          void*) noexcept
  {
    return guarded(user_data, [&](Http3Connection& http) {
      if (http.streams_.erase(stream) > 0) http.listener_.on_stream_gone(stream);
    });
  }

  static int stop_reading(nghttp3_conn*, StreamId stream, std::uint64_t code, void* user_data,
                          void*) noexcept
  {
    return guarded(user_data,
                   [&](Http3Connection& http) { http.quic_->abort_stream(stream, code); });
  }

  static int recv_settings(nghttp3_conn*, const nghttp3_settings* settings,
                           void* user_data) noexcept
  {
    return guarded(user_data, [&](Http3Connection& http) {
      http.knows_settings_ = true;
      http.peer_refuses_datagrams_ = settings->h3_datagram == 0;
      if (http.role_ != Role::client) return;
      http.listener_.on_ready(settings->enable_connect_protocol != 0 && settings->h3_datagram != 0);
    });
  }

  static nghttp3_ssize read_body(nghttp3_conn*, StreamId stream, nghttp3_vec* pieces,
                                 std::size_t max_pieces, std::uint32_t* flags, void* user_data,
                                 void*) noexcept
  {
    nghttp3_ssize count = 0;
    const int failed = guarded(user_data, [&](Http3Connection& http) {
      Stream& state = http.stream_state(stream);
      while (state.handed_over < state.body.size() &&
             static_cast<std::size_t>(count) < max_pieces) {
        ByteVector& piece = state.body[state.handed_over++];
        pieces[count++] = {u8(piece.data()), piece.size()};
      }
      const bool all = state.handed_over == state.body.size();
      if (all && state.finished)
        *flags |= NGHTTP3_DATA_FLAG_EOF;
      else if (count == 0)
        count = NGHTTP3_ERR_WOULDBLOCK;
    });
    return failed != 0 ? NGHTTP3_ERR_CALLBACK_FAILURE : count;
  }

  static nghttp3_callbacks table() noexcept
  {
    nghttp3_callbacks table{};
    table.acked_stream_data = acked;
    table.stream_close = stream_close;
    table.recv_data = recv_data;
    table.deferred_consume = deferred_consume;
    table.begin_headers = begin_headers;
    table.recv_header = recv_header;
    table.end_headers = end_headers;
    table.end_stream = end_stream;
    table.stop_sending = stop_reading;
    table.reset_stream = stop_reading;
    table.recv_settings = recv_settings;
    return table;
  }
};

void Http3Connection::ConnDeleter::operator()(nghttp3_conn* conn) const noexcept
{
  nghttp3_conn_del(conn);
}

Http3Connection::Http3Connection(Role role, Http3Listener& listener)
    : role_(role), listener_(listener)
{
}

Http3Connection::~Http3Connection() = default;

Http3Connection::Stream& Http3Connection::stream_state(StreamId stream)
{
  auto& state = streams_[stream];
  if (!state) state = std::make_unique<Stream>();
  return *state;
}

Result<> Http3Connection::open_control_streams()
{
  const auto control = quic_->open_unidirectional_stream();
  if (!control) return control.error();
  const auto encoder = quic_->open_unidirectional_stream();
  if (!encoder) return encoder.error();
  const auto decoder = quic_->open_unidirectional_stream();
  if (!decoder) return decoder.error();
  if (nghttp3_conn_bind_control_stream(conn_.get(), *control) != 0 ||
      nghttp3_conn_bind_qpack_streams(conn_.get(), *encoder, *decoder) != 0)
    return fail(Errc::protocol_violation, "bind HTTP/3 control streams");
  return {};
}

void Http3Connection::on_handshake_completed()
{
  nghttp3_settings settings;
  nghttp3_settings_default(&settings);
  settings.h3_datagram = 1;
  settings.enable_connect_protocol = role_ == Role::server ? 1 : 0;
  settings.max_field_section_size = kMaxHeaderBytes;

  const nghttp3_callbacks callbacks = Callbacks::table();
  nghttp3_conn* conn = nullptr;
  const int error =
      role_ == Role::client
          ? nghttp3_conn_client_new(&conn, &callbacks, &settings, nghttp3_mem_default(), this)
          : nghttp3_conn_server_new(&conn, &callbacks, &settings, nghttp3_mem_default(), this);
  if (error != 0) return fail_native(error);
  conn_.reset(conn);
  if (auto opened = open_control_streams(); !opened)
    quic_->close(kH3InternalError, std::move(opened.error()));
}

Result<StreamId> Http3Connection::send_request(const HeaderList& headers)
{
  if (!conn_) return fail(Errc::invalid_argument, "request outside of the connection's time");
  auto stream = quic_->open_bidirectional_stream();
  if (!stream) return stream;
  (void)stream_state(*stream);
  const auto fields = to_native(headers);
  const nghttp3_data_reader reader{&Callbacks::read_body};
  if (const int error = nghttp3_conn_submit_request(conn_.get(), *stream, fields.data(),
                                                    fields.size(), &reader, nullptr);
      error != 0)
    return fail(Errc::protocol_violation, nghttp3_strerror(error));
  return stream;
}

Result<> Http3Connection::send_response(StreamId stream, const HeaderList& headers)
{
  if (!conn_) return fail(Errc::invalid_argument, "response outside of the connection's time");
  const auto fields = to_native(headers);
  const nghttp3_data_reader reader{&Callbacks::read_body};
  if (const int error =
          nghttp3_conn_submit_response(conn_.get(), stream, fields.data(), fields.size(), &reader);
      error != 0)
    return fail(Errc::protocol_violation, nghttp3_strerror(error));
  return {};
}

void Http3Connection::send_body(StreamId stream, ByteView bytes)
{
  if (settled_) return settled_->send_body(stream, bytes);
  const auto found = streams_.find(stream);
  if (found == streams_.end() || bytes.empty()) return;
  found->second->body.emplace_back(bytes.begin(), bytes.end());
  nghttp3_conn_resume_stream(conn_.get(), stream);
}

void Http3Connection::finish(StreamId stream)
{
  if (settled_) return settled_->finish(stream);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  found->second->finished = true;
  nghttp3_conn_resume_stream(conn_.get(), stream);
}

void Http3Connection::abort(StreamId stream, AppErrorCode code)
{
  if (conn_) {
    nghttp3_conn_shutdown_stream_write(conn_.get(), stream);
    nghttp3_conn_shutdown_stream_read(conn_.get(), stream);
  }
  quic_->abort_stream(stream, code);
}

void Http3Connection::close(AppErrorCode code, Error reason)
{
  quic_->close(code, std::move(reason));
}

// nghttp3 has given up on the connection.
void Http3Connection::fail_native(std::int64_t native_error)
{
  const int error = static_cast<int>(native_error);
  quic_->close(nghttp3_err_infer_quic_app_error_code(error),
               fail(Errc::protocol_violation, nghttp3_strerror(error)));
}

// What must be known when the connection settles, which nghttp3 does not tell: where in its frames
// a request is, and which of the peer's streams may never end.
void Http3Connection::skim(StreamId stream, ByteView data)
{
  if (is_request(stream)) {
    FrameReader& reader = stream_state(stream).reader;
    while (reader.next(data)) {
    }
    return;
  }
  const bool is_new =
      std::ranges::find(peer_streams_, stream, &PeerStream::id) == peer_streams_.end();
  if (!is_new || data.empty()) return;
  // Control, QPACK encoder and decoder (RFC 9114 section 6.2.1, RFC 9204 section 4.2).
  const auto type = std::to_integer<unsigned>(data.front());
  peer_streams_.push_back({stream, type == 0x00 || type == 0x02 || type == 0x03});
}

bool Http3Connection::has_unsent()
{
  StreamChunk chunk;
  next_chunk(chunk);
  return chunk.stream >= 0 || quic_->ending();
}

bool Http3Connection::settle(StreamId stream)
{
  if (settled_) return true;
  if (!conn_ || !knows_settings_ || unacked_bytes_ > 0 || quic_->ending()) return false;
  const bool blocked =
      std::ranges::any_of(streams_, [](const auto& entry) { return entry.second->blocked; });
  const auto requests =
      std::ranges::count_if(streams_, [](const auto& entry) { return is_request(entry.first); });
  const auto tunnel = streams_.find(stream);
  if (blocked || requests != 1 || tunnel == streams_.end() || tunnel->second->finished ||
      has_unsent())
    return false;
  settled_ = std::make_unique<SettledHttp3>(SettledHttp3::Order{
      *quic_, listener_, stream, tunnel->second->reader, std::move(peer_streams_)});
  streams_.clear();
  conn_.reset();
  return true;
}

void Http3Connection::on_stream_data(StreamId stream, ByteView data, bool fin)
{
  if (settled_) return settled_->on_stream_data(stream, data, fin);
  if (!conn_) return;
  if (role_ == Role::server) skim(stream, data);
  const nghttp3_ssize consumed =
      nghttp3_conn_read_stream(conn_.get(), stream, u8(data.data()), data.size(), fin ? 1 : 0);
  if (consumed < 0) return fail_native(consumed);
  quic_->consume(stream, static_cast<std::size_t>(consumed));
}

void Http3Connection::on_stream_acked(StreamId stream, std::uint64_t size_bytes)
{
  if (settled_) return settled_->on_stream_acked(stream, size_bytes);
  if (!conn_) return;
  unacked_bytes_ -= std::min(unacked_bytes_, size_bytes);
  if (const int error = nghttp3_conn_add_ack_offset(conn_.get(), stream, size_bytes); error != 0)
    fail_native(error);
}

void Http3Connection::on_stream_closed(StreamId stream, std::optional<AppErrorCode> error)
{
  if (settled_) return settled_->on_stream_closed(stream);
  if (!conn_) return;
  std::erase_if(peer_streams_, [&](const PeerStream& peer) { return peer.id == stream; });
  const int failed =
      nghttp3_conn_close_stream(conn_.get(), stream, error.value_or(NGHTTP3_H3_NO_ERROR));
  if (failed == NGHTTP3_ERR_STREAM_NOT_FOUND)
    streams_.erase(stream);
  else if (failed != 0)
    fail_native(failed);
}

// Half a message is of no use to anybody here, so our half ends too; then the stream closes.
void Http3Connection::on_stream_reset(StreamId stream)
{
  if (settled_) return settled_->on_stream_reset(stream);
  if (!conn_) return;
  if (is_request(stream)) return abort(stream, kH3RequestCancelled);
  nghttp3_conn_shutdown_stream_read(conn_.get(), stream);
}

void Http3Connection::on_stream_unread(StreamId stream)
{
  if (conn_) nghttp3_conn_shutdown_stream_read(conn_.get(), stream);
}

void Http3Connection::on_stream_credit(StreamId stream)
{
  if (settled_) return settled_->on_stream_credit(stream);
  if (const auto found = streams_.find(stream); found != streams_.end())
    found->second->blocked = false;
  if (conn_) nghttp3_conn_unblock_stream(conn_.get(), stream);
}

void Http3Connection::on_datagram(ByteView payload)
{
  listener_.on_datagram(payload);
}

void Http3Connection::on_path_mtu(std::size_t udp_payload_bytes)
{
  listener_.on_path_mtu(udp_payload_bytes);
}

void Http3Connection::next_chunk(StreamChunk& chunk)
{
  if (settled_) return settled_->next_chunk(chunk);
  if (!conn_) return;
  std::array<nghttp3_vec, StreamChunk::kMaxPieces> pieces{};
  int fin = 0;
  const nghttp3_ssize count =
      nghttp3_conn_writev_stream(conn_.get(), &chunk.stream, &fin, pieces.data(), pieces.size());
  if (count < 0) return fail_native(count);
  chunk.fin = fin != 0;
  for (nghttp3_ssize i = 0; i < count; ++i)
    chunk.pieces.push_back(
        view(pieces[static_cast<std::size_t>(i)].base, pieces[static_cast<std::size_t>(i)].len));
}

void Http3Connection::on_chunk_written(StreamId stream, std::size_t size_bytes)
{
  if (settled_) return settled_->on_chunk_written(stream, size_bytes);
  unacked_bytes_ += size_bytes;
  if (const int error = nghttp3_conn_add_write_offset(conn_.get(), stream, size_bytes); error != 0)
    fail_native(error);
}

void Http3Connection::on_stream_blocked(StreamId stream)
{
  if (settled_) return settled_->on_stream_blocked(stream);
  stream_state(stream).blocked = true;
  nghttp3_conn_block_stream(conn_.get(), stream);
}

void Http3Connection::on_stream_unwritable(StreamId stream)
{
  if (settled_) return settled_->on_stream_unwritable(stream);
  nghttp3_conn_shutdown_stream_write(conn_.get(), stream);
}

}  // namespace slopn::quic
