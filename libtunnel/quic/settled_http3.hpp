#pragma once

#include <map>
#include <vector>

#include "libtunnel/quic/http3_connection.hpp"
#include "libtunnel/quic/http3_frames.hpp"

namespace slopn::quic {

/// A unidirectional stream that the peer has opened.
struct PeerStream {
  StreamId id = -1;
  bool critical = false;  ///< It must not end (RFC 9114 section 6.2.1, RFC 9204 section 4.2).
};

/// HTTP/3 on a gateway's connection whose only request is a tunnel, accepted, with all that was
/// said before acknowledged. What is left then is DATA frames on one stream, and that needs no
/// tables of header fields: this takes 200 bytes in place of nghttp3's 14 KB.
///
/// Further requests are answered with 409: a connection carries one tunnel
/// (docs/decisions/0007-one-tunnel-a-connection.md).
class SettledHttp3 {
 public:
  struct Order {
    QuicConnection& quic;
    Http3Listener& listener;
    StreamId tunnel;
    FrameReader reader;  ///< Where in the tunnel's frames the client is.
    std::vector<PeerStream> peer_streams;
  };

  explicit SettledHttp3(Order order);

  // As `QuicApplication` has them.
  void on_stream_data(StreamId stream, ByteView data, bool fin);
  void on_stream_acked(StreamId stream, std::uint64_t size_bytes);
  void on_stream_closed(StreamId stream);
  void on_stream_reset(StreamId stream);
  void on_stream_credit(StreamId stream);
  void next_chunk(StreamChunk& chunk) const;
  void on_chunk_written(StreamId stream, std::size_t size_bytes);
  void on_stream_blocked(StreamId stream);
  void on_stream_unwritable(StreamId stream);

  // As `Http3Connection` has them.
  void send_body(StreamId stream, ByteView bytes);
  void finish(StreamId stream);

 private:
  // Frames stay where they are until the peer has acknowledged them.
  struct Outgoing {
    std::vector<ByteVector> frames;
    std::uint64_t acked_bytes = 0;    // of the first frame
    std::uint64_t written_bytes = 0;  // from the beginning of the first frame
    bool finished = false;
    bool fin_written = false;
    bool held_back = false;  // no credit, or nobody who reads

    [[nodiscard]] std::uint64_t size_bytes() const noexcept;
    [[nodiscard]] bool has_something() const noexcept;
    void forget_acked(std::uint64_t size_bytes);
  };

  void on_tunnel_data(ByteView data, bool fin);
  void answer_request(StreamId stream);
  void on_peer_stream(StreamId stream, bool fin);
  [[nodiscard]] Outgoing* find(StreamId stream);

  QuicConnection& quic_;
  Http3Listener& listener_;
  StreamId tunnel_;
  FrameReader reader_;
  std::vector<PeerStream> peer_streams_;
  std::map<StreamId, Outgoing> outgoing_;  // the tunnel's, and answers to further requests
};

}  // namespace slopn::quic
