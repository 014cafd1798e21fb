#pragma once

#include <memory>
#include <optional>

#include "libtunnel/io/alarm.hpp"
#include "libtunnel/io/task_group.hpp"
#include "libtunnel/io/udp_socket.hpp"
#include "libtunnel/session/client_session.hpp"

namespace slopn::io {

class ClientLink;

/// What a link tells its worker. From inside the link's own methods: it may be buried then, but not
/// destroyed.
class ClientLinkListener {
 public:
  virtual ~ClientLinkListener() = default;
  virtual void on_phase(ClientLink& link, tunnel::Phase phase) = 0;
  /// The link may carry packets; again whenever its parameters change.
  virtual void on_configured(ClientLink& link, const session::TunnelParameters& parameters) = 0;
  /// A packet for the host, valid during the call.
  virtual void on_inner_packet(ByteView packet) = 0;
  /// After a batch, or when time demanded something.
  virtual void on_activity(ClientLink& link) = 0;
  /// It is of no use any more: bury it.
  virtual void on_lost(ClientLink& link, Error reason) = 0;
};

/// A UDP socket, after a move another one, and one QUIC connection to one address of a gateway.
///
/// Lives on one thread. It ends with `bury()`, and may be destroyed only after that.
class ClientLink final : private session::ClientSessionListener,
                         private session::Outlet,
                         private DatagramReceiver {
 public:
  struct Order {
    UdpEndpoint gateway;
    UdpSocketOptions socket;
    /// Outlives the link.
    const quic::TlsContext& tls;
    session::ClientSessionOptions session;
  };

  /// Sends the first packet of the handshake. Tells `listener` nothing yet.
  [[nodiscard]] static Result<std::unique_ptr<ClientLink>> start(asio::any_io_executor executor,
                                                                 Order order,
                                                                 ClientLinkListener& listener);
  ~ClientLink() override;

  [[nodiscard]] const UdpEndpoint& gateway() const noexcept { return order_.gateway; }
  [[nodiscard]] UdpEndpoint local() const { return socket_->local(); }
  [[nodiscard]] session::ClientSession& session() noexcept { return *session_; }
  [[nodiscard]] const session::ClientSession& session() const noexcept { return *session_; }
  /// Whether it may carry packets.
  [[nodiscard]] bool configured() const noexcept { return configured_; }

  /// Sends packets of the host.
  void send(std::span<const HostPacket> packets, Clock::time_point now);
  /// The host has nothing more for now.
  void on_inner_pause();

  /// The host would now use another address or interface towards the gateway: goes on from there,
  /// with a new socket. Lost where that cannot be, as during the handshake.
  void move();
  /// The host has no way to the gateway. Lost unless one is found soon.
  void lose_way();
  /// Something may have happened that nobody told us, as during sleep: proves soon that it is alive,
  /// or is lost.
  void doubt();

  /// Tells the gateway that this is the end.
  void close();
  /// Stops it; its listener hears no more of it.
  void stop();
  /// Waits until nothing of it runs any more. After `stop()`.
  [[nodiscard]] asio::awaitable<void> bury();

 private:
  ClientLink(asio::any_io_executor executor, Order order, ClientLinkListener& listener);

  void on_phase(tunnel::Phase phase) override;
  void on_configured(const session::TunnelParameters& parameters) override;
  void on_inner_packet(ByteView packet) override;
  void send(const quic::PacketTrain& train) override;
  void on_udp_payload(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload) override;

  [[nodiscard]] asio::awaitable<void> receive(std::shared_ptr<UdpSocket> socket);
  [[nodiscard]] asio::awaitable<void> keep_time();
  void receive_batch(UdpSocket& socket);
  void close_former();
  void on_alarm();
  void after_activity();

  asio::any_io_executor executor_;
  Order order_;
  ClientLinkListener& listener_;
  std::shared_ptr<UdpSocket> socket_;  // shared with its coroutine, which outlives its use here
  std::shared_ptr<UdpSocket> former_;  // still heard, for what was on its way when we moved
  Clock::time_point moved_at_;
  std::unique_ptr<session::ClientSession> session_;
  bool configured_ = false;
  bool stopped_ = false;
  // What the session said during a call; passed on after it.
  std::optional<tunnel::Phase> new_phase_;
  std::optional<session::TunnelParameters> new_parameters_;
  Clock::time_point now_;  // of the batch being served
  Alarm alarm_;
  TaskGroup tasks_;
};

}  // namespace slopn::io
