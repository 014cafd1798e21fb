#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "libtunnel/crypto/keys.hpp"
#include "libtunnel/quic/http3_connection.hpp"
#include "libtunnel/quic/server_door.hpp"
#include "tests/support/simulated_link.hpp"

/// Bare HTTP/3 peers, for what a client or a gateway of ours would never do.
namespace slopn::test {

/// What both peers are: one HTTP/3 connection with a socket.
class Http3Peer : public SimulatedHost, protected quic::Http3Listener {
 public:
  struct Message {
    quic::HeaderList headers;
    std::string body;
    bool complete = false;
    bool gone = false;
    [[nodiscard]] std::string_view status() const noexcept { return headers.get(":status"); }
  };

  [[nodiscard]] quic::QuicConnection& quic() noexcept { return *quic_; }
  [[nodiscard]] quic::Http3Connection& http() noexcept { return http_; }
  [[nodiscard]] bool has_connection() const noexcept { return quic_ != nullptr; }

  std::map<quic::StreamId, Message> messages;  ///< From the other side.
  std::vector<ByteVector> datagrams;

  /// Sends one QUIC datagram as it is; false when the path is congested.
  [[nodiscard]] bool send_datagram(ByteView payload);

  void flush(Clock::time_point now) override;
  [[nodiscard]] Clock::time_point next_deadline() const override;
  void on_deadline(Clock::time_point now) override;

 protected:
  Http3Peer(SimulatedNetwork& network, UdpEndpoint address, quic::Http3Connection::Role role);

  void on_ready(bool allows_tunnels) override;
  void on_headers(quic::StreamId stream, const quic::HeaderList& headers,
                  quic::MessageEnd end) override;
  void on_body(quic::StreamId stream, ByteView bytes) override;
  void on_body_end(quic::StreamId stream) override;
  void on_stream_gone(quic::StreamId stream) override;
  void on_datagram(ByteView payload) override;
  void on_path_mtu(std::size_t) override {}

  SimulatedNetwork& network_;
  UdpEndpoint address_;
  quic::PacketTrain train_{64, 1472};
  quic::Http3Connection http_;
  std::unique_ptr<quic::QuicConnection> quic_;
  std::optional<bool> allows_tunnels_;
};

/// A client of whatever listens at `server`, whose certificate must be the gateway's of the tests.
class Http3Visitor final : public Http3Peer {
 public:
  Http3Visitor(SimulatedNetwork& network, const UdpEndpoint& address, const UdpEndpoint& server,
               quic::QuicOptions options = {});
  ~Http3Visitor() override;

  /// Waits until requests may be sent; false if that does not happen within five seconds.
  [[nodiscard]] bool connect();
  [[nodiscard]] std::optional<bool> allows_tunnels() const noexcept { return allows_tunnels_; }

  enum class Body : std::uint8_t { open, none };
  [[nodiscard]] quic::StreamId request(const quic::HeaderList& headers, Body body);
  /// Asks and waits for the whole answer, at most five seconds.
  [[nodiscard]] Message ask(const quic::HeaderList& headers, Body body = Body::none);

  /// CONNECT-IP as RFC 9484 has it, without credentials.
  [[nodiscard]] quic::HeaderList tunnel_request() const;
  /// What RFC 9729 wants in the Authorization field of a request on this connection.
  [[nodiscard]] std::string concealed_authorization(const crypto::KeyPair& key) const;

  void receive(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload,
               Clock::time_point now) override;

 private:
  UdpEndpoint server_;
  quic::TlsContext tls_;
};

/// A server for one connection, with the gateway's certificate of the tests.
class Http3Server final : public Http3Peer, private quic::ConnectionIdRegistry {
 public:
  Http3Server(SimulatedNetwork& network, const UdpEndpoint& address);
  ~Http3Server() override;

  std::function<void(quic::StreamId stream, const quic::HeaderList& request)> on_request;

  void receive(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload,
               Clock::time_point now) override;

 private:
  void on_headers(quic::StreamId stream, const quic::HeaderList& headers,
                  quic::MessageEnd end) override;
  void on_id_added(const quic::ConnectionId&) override {}
  void on_id_retired(const quic::ConnectionId&) override {}

  quic::TlsContext tls_;
  quic::ServerDoor door_;
};

}  // namespace slopn::test
