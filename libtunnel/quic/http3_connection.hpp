#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/quic/quic_connection.hpp"

struct nghttp3_conn;

namespace slopn::quic {

class SettledHttp3;
struct PeerStream;

/// HTTP/3 error codes (RFC 9114 section 8.1, RFC 9297 section 2.1).
inline constexpr AppErrorCode kH3NoError = 0x100;
inline constexpr AppErrorCode kH3InternalError = 0x102;
inline constexpr AppErrorCode kH3RequestCancelled = 0x10c;
inline constexpr AppErrorCode kH3MessageError = 0x10e;
inline constexpr AppErrorCode kH3DatagramError = 0x33;

struct HeaderField {
  std::string name;  ///< Lower case.
  std::string value;
  friend bool operator==(const HeaderField&, const HeaderField&) = default;
};

/// The fields of a message, pseudo-header fields (":method") included.
class HeaderList {
 public:
  HeaderList() = default;
  HeaderList(std::initializer_list<HeaderField> fields) : fields_(fields) {}

  void add(std::string_view name, std::string_view value)
  {
    fields_.push_back({std::string{name}, std::string{value}});
  }
  /// The first field of that name; empty if there is none.
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;
  [[nodiscard]] std::span<const HeaderField> fields() const noexcept { return fields_; }

 private:
  std::vector<HeaderField> fields_;
};

enum class MessageEnd : std::uint8_t { more_follows, complete };

/// What happens on an HTTP/3 connection. Called from inside `QuicConnection`'s methods; may call
/// everything of `Http3Connection`.
class Http3Listener {
 public:
  virtual ~Http3Listener() = default;

  /// A client may send requests: the handshake is done and the gateway's SETTINGS are here.
  /// `allows_tunnels` says that they offer extended CONNECT and HTTP datagrams
  /// (RFC 9220, RFC 9297).
  virtual void on_ready(bool allows_tunnels) = 0;
  /// A request (on a gateway) or a response (on a client) has begun.
  virtual void on_headers(StreamId stream, const HeaderList& headers, MessageEnd end) = 0;
  virtual void on_body(StreamId stream, ByteView bytes) = 0;
  virtual void on_body_end(StreamId stream) = 0;
  /// The stream is gone, for whatever reason.
  virtual void on_stream_gone(StreamId stream) = 0;
  virtual void on_datagram(ByteView payload) = 0;
  virtual void on_path_mtu(std::size_t udp_payload_bytes) = 0;
};

/// HTTP/3 (RFC 9114) with extended CONNECT and HTTP datagrams, over one QUIC connection.
///
/// Give it to `QuicConnection` as its application, then `attach()` that connection before anything
/// is read or written. A message's body is open-ended: append to it until `finish()`.
class Http3Connection final : public QuicApplication {
 public:
  enum class Role : std::uint8_t { client, server };

  Http3Connection(Role role, Http3Listener& listener);
  Http3Connection(const Http3Connection&) = delete;
  Http3Connection& operator=(const Http3Connection&) = delete;
  ~Http3Connection() override;

  void attach(QuicConnection& connection) noexcept { quic_ = &connection; }

  /// Only a client, after `on_ready()`.
  [[nodiscard]] Result<StreamId> send_request(const HeaderList& headers);
  [[nodiscard]] Result<> send_response(StreamId stream, const HeaderList& headers);
  /// Appends to the body of our message on `stream`.
  void send_body(StreamId stream, ByteView bytes);
  /// Ends our message.
  void finish(StreamId stream);
  /// Ends the stream in both directions, unfinished.
  void abort(StreamId stream, AppErrorCode code);
  /// Says goodbye and closes the connection.
  void close(AppErrorCode code, Error reason);

  /// Only on a gateway: `stream` is a tunnel that was accepted, and there will be no more to decide.
  /// As soon as all that was said is acknowledged and no other request is open, this gives back
  /// what HTTP/3 keeps for more requests (`SettledHttp3`) and returns true. Call it until then, but
  /// not from within a callback.
  [[nodiscard]] bool settle(StreamId stream);

  /// Whether the peer's settings have come, without HTTP datagrams in them; RFC 9297 section 2.1.1.
  [[nodiscard]] bool peer_refuses_datagrams() const noexcept { return peer_refuses_datagrams_; }

 private:
  struct Callbacks;  // what nghttp3 calls
  struct Stream;     // our side of one message
  struct ConnDeleter {
    void operator()(nghttp3_conn* conn) const noexcept;
  };

  void on_handshake_completed() override;
  void on_stream_data(StreamId stream, ByteView data, bool fin) override;
  void on_stream_acked(StreamId stream, std::uint64_t size_bytes) override;
  void on_stream_closed(StreamId stream, std::optional<AppErrorCode> error) override;
  void on_stream_reset(StreamId stream) override;
  void on_stream_unread(StreamId stream) override;
  void on_stream_credit(StreamId stream) override;
  void on_datagram(ByteView payload) override;
  void on_path_mtu(std::size_t udp_payload_bytes) override;
  void next_chunk(StreamChunk& chunk) override;
  void on_chunk_written(StreamId stream, std::size_t size_bytes) override;
  void on_stream_blocked(StreamId stream) override;
  void on_stream_unwritable(StreamId stream) override;

  [[nodiscard]] Result<> open_control_streams();
  void fail_native(std::int64_t native_error);
  void skim(StreamId stream, ByteView data);
  [[nodiscard]] bool has_unsent();
  Stream& stream_state(StreamId stream);

  Role role_;
  Http3Listener& listener_;
  QuicConnection* quic_ = nullptr;
  bool peer_refuses_datagrams_ = false;
  bool knows_settings_ = false;      // of the peer
  std::uint64_t unacked_bytes_ = 0;  // written on streams
  std::vector<PeerStream> peer_streams_;
  std::unique_ptr<nghttp3_conn, ConnDeleter> conn_;
  std::map<StreamId, std::unique_ptr<Stream>> streams_;
  std::unique_ptr<SettledHttp3> settled_;  // takes the place of conn_ and streams_
};

}  // namespace slopn::quic
