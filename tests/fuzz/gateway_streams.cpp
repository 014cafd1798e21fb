// What a client says after the handshake: raw bytes on its streams, in place of HTTP/3, and raw
// QUIC datagrams. The input is a list of
//
//     | where 1 | length 1 | bytes |
//
// `where` is 0 to 3 for a request stream, 4 to 7 for a unidirectional one, 8 for a datagram; with
// 16 added the stream ends behind the bytes, with 32 added it is reset instead.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>

#include "tests/fuzz/must.hpp"
#include "tests/support/tunnel_hosts.hpp"

namespace {

using namespace slopn;
using namespace slopn::test;

// A client without HTTP/3: its streams carry what it is told.
class RawClient final : public SimulatedHost, private quic::QuicApplication {
 public:
  explicit RawClient(SimulatedNetwork& network) : network_(network)
  {
    network_.attach(address_, *this);
    quic_ = std::move(*quic::QuicConnection::connect(
        {.tls = tls(), .path = {.local = address_, .remote = kGatewayV4}, .options = {}}, *this,
        network_.now()));
    flush(network_.now());
  }
  ~RawClient() override { network_.detach(address_); }

  [[nodiscard]] bool ready() const { return quic_->handshake_completed(); }
  void say(unsigned where, ByteView bytes)
  {
    if (quic_->ending()) return;
    if ((where & 8U) != 0) {
      const std::array payloads = {bytes};
      if (!bytes.empty() && bytes.size() <= quic_->max_datagram_bytes())
        (void)quic_->write_datagram(payloads, train_, network_.now());
      return flush(network_.now());
    }
    const unsigned number = where & 7U;
    if (!streams_.contains(number)) {
      const auto opened =
          number < 4 ? quic_->open_bidirectional_stream() : quic_->open_unidirectional_stream();
      if (!opened) return;
      streams_[number] = *opened;
    }
    const quic::StreamId stream = streams_[number];
    if ((where & 32U) != 0) return quic_->abort_stream(stream, 0x10c);
    waiting_.push_back({stream, {bytes.begin(), bytes.end()}, (where & 16U) != 0});
    flush(network_.now());
  }

  void receive(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload,
               Clock::time_point now) override
  {
    quic_->read(path, ecn, payload, now);
  }
  void flush(Clock::time_point now) override
  {
    do {
      network_.send(address_, train_);
      train_.clear();
      quic_->write(train_, now);
    } while (!train_.has_room());
    network_.send(address_, train_);
    train_.clear();
  }
  [[nodiscard]] Clock::time_point next_deadline() const override { return quic_->next_deadline(); }
  void on_deadline(Clock::time_point now) override
  {
    quic_->on_deadline(now);
    flush(now);
  }

 private:
  struct Piece {
    quic::StreamId stream;
    ByteVector bytes;
    bool fin;
    std::size_t written = 0;
  };

  static const quic::TlsContext& tls()
  {
    static const quic::TlsContext context =
        std::move(*quic::TlsContext::for_client({.trust = quic::PinnedKeys{{gateway_pin()}},
                                                 .server_name = "gateway.example",
                                                 .certificate = std::nullopt}));
    return context;
  }

  void on_handshake_completed() override {}
  void on_stream_data(quic::StreamId stream, ByteView data, bool) override
  {
    quic_->consume(stream, data.size());
  }
  void on_stream_acked(quic::StreamId, std::uint64_t) override {}
  void on_stream_closed(quic::StreamId, std::optional<quic::AppErrorCode>) override {}
  void on_stream_reset(quic::StreamId) override {}
  void on_stream_unread(quic::StreamId) override {}
  void on_stream_credit(quic::StreamId) override {}
  void on_datagram(ByteView) override {}
  void on_path_mtu(std::size_t) override {}
  void next_chunk(quic::StreamChunk& chunk) override
  {
    if (waiting_.empty()) return;
    const Piece& piece = waiting_.front();
    chunk.stream = piece.stream;
    chunk.fin = piece.fin;
    const ByteView left = ByteView{piece.bytes}.subspan(piece.written);
    if (!left.empty()) chunk.pieces.push_back(left);
  }
  void on_chunk_written(quic::StreamId, std::size_t size_bytes) override
  {
    Piece& piece = waiting_.front();
    piece.written += size_bytes;
    if (piece.written < piece.bytes.size()) return;
    written_.push_back(std::move(piece));  // it may have to be sent again
    waiting_.pop_front();
  }
  void on_stream_blocked(quic::StreamId) override { waiting_.pop_front(); }
  void on_stream_unwritable(quic::StreamId) override { waiting_.pop_front(); }

  SimulatedNetwork& network_;
  UdpEndpoint address_ = client_address(1);
  quic::PacketTrain train_{64, 1472};
  std::map<unsigned, quic::StreamId> streams_;
  std::deque<Piece> waiting_;
  std::deque<Piece> written_;
  std::unique_ptr<quic::QuicConnection> quic_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  if (size > 64 * 1024) return 0;
  SimulatedNetwork network;
  network.shape_everything({.delay = std::chrono::milliseconds(1)});
  GatewaySetup setup;
  setup.rules.anonymous = true;
  GatewayHost gateway{network, setup};
  RawClient client{network};
  fuzz::must(network.run_until([&] { return client.ready(); }, std::chrono::seconds(5)));

  ByteView rest = view(data, size);
  while (rest.size() >= 2) {
    const auto where = std::to_integer<unsigned>(rest[0]);
    const auto length = std::to_integer<std::size_t>(rest[1]);
    rest = rest.subspan(2);
    const ByteView bytes = rest.first(std::min(length, rest.size()));
    rest = rest.subspan(bytes.size());
    client.say(where, bytes);
    network.run_for(std::chrono::milliseconds(1));
  }
  network.run_for(std::chrono::seconds(1));
  for (const ByteVector& packet : gateway.inner) {
    const auto source = IpAddress::from_bytes(ByteView{packet}.subspan(12, 4));
    fuzz::must(packet.size() >= 20 && (std::to_integer<unsigned>(packet[0]) >> 4U != 4 ||
                                       source == IpAddress::parse("10.77.0.2")));
  }
  return 0;
}
