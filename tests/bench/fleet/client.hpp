#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "libtunnel/base/unique_fd.hpp"
#include "libtunnel/session/client_session.hpp"

namespace slopn::fleet {

/// The key of the client with that number. The same in every run and known to everybody: good for
/// a gateway in a namespace of its own and for nothing else.
[[nodiscard]] crypto::KeyPair key_of_client(std::size_t number);

/// One client: a session on a connected UDP socket.
class Client final : private session::ClientSessionListener, private session::Outlet {
 public:
  struct Order {
    const quic::TlsContext& tls;
    UdpEndpoint gateway;
    Clock::duration keep_alive;
  };

  explicit Client(std::size_t number) : number_(number) {}

  /// Opens the socket and begins the handshake.
  [[nodiscard]] Result<> start(const Order& order, Clock::time_point now);
  /// Takes all that waits at the socket. `buffer` holds any UDP payload.
  void on_readable(std::span<std::byte> buffer, Clock::time_point now);
  void on_deadline(Clock::time_point now) { session_->on_deadline(now); }
  [[nodiscard]] Clock::time_point next_deadline() const noexcept;
  /// Takes leave of the gateway and forgets the session; it can be started again.
  void stop(Clock::time_point now);

  [[nodiscard]] int socket() const noexcept { return socket_.get(); }
  [[nodiscard]] bool configured() const noexcept { return configured_; }
  [[nodiscard]] bool over() const noexcept { return session_ && session_->closed(); }
  [[nodiscard]] const Error& reason() const noexcept { return session_->close_reason(); }
  [[nodiscard]] Clock::time_point started_at() const noexcept { return started_at_; }
  [[nodiscard]] quic::HandshakeFacts handshake_facts() const { return session_->handshake_facts(); }

  // For the owner's books.
  Clock::time_point scheduled_at = Clock::time_point::max();
  bool counted = false;

 private:
  void on_configured(const session::TunnelParameters&) override { configured_ = true; }
  void on_inner_packet(ByteView) override {}
  void send(const quic::PacketTrain& train) override;

  std::size_t number_;
  UniqueFd socket_;
  quic::UdpPath path_;
  std::unique_ptr<session::ClientSession> session_;
  bool configured_ = false;
  Clock::time_point started_at_{};
};

}  // namespace slopn::fleet
