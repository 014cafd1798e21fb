#pragma once

#include <memory>
#include <optional>

#include "libtunnel/core/tunnel_fsm.hpp"
#include "libtunnel/io/alarm.hpp"
#include "libtunnel/io/inner_output.hpp"
#include "libtunnel/io/tun_pump.hpp"
#include "libtunnel/io/udp_socket.hpp"
#include "libtunnel/session/client_session.hpp"

namespace slopn::io {

/// All that one try to connect needs.
struct LinkOrder {
  tunnel::LinkId id{};
  UdpEndpoint gateway;
  UdpSocketOptions socket;
  quic::TlsContext tls;
  session::ClientSessionOptions session;
};

/// What is known of a link that is up.
struct LinkFacts {
  UdpEndpoint gateway;
  quic::HandshakeFacts handshake;
  session::TunnelParameters parameters;
};

struct ClientCounters {
  session::TrafficCounters traffic;  ///< Since the worker started, over all links.
  std::optional<std::chrono::microseconds> smoothed_rtt;  ///< While a link is up.
};

/// Called on the worker's thread; post to wherever the news belongs.
class ClientWorkerListener {
 public:
  virtual ~ClientWorkerListener() = default;
  /// The link may carry packets; again whenever its parameters change.
  virtual void on_link_configured(tunnel::LinkId id, LinkFacts facts) = 0;
  /// Once for every link that was started, unless it was dropped.
  virtual void on_link_lost(tunnel::LinkId id, Error reason) = 0;
  virtual void on_link_drained(tunnel::LinkId id) = 0;
  virtual void on_tun_lost(Error reason) = 0;
};

/// A client's data path: one UDP socket, one QUIC connection, one TUN. The TUN outlives links;
/// what the host sends while there is none is dropped and counted, never let out.
///
/// Lives on one thread: construct it, call it and destroy it there, after `stop()`.
class ClientWorker final : private session::ClientSessionListener,
                           private session::Outlet,
                           private DatagramReceiver,
                           private InnerHandler {
 public:
  ClientWorker(asio::any_io_executor executor, ClientWorkerListener& listener);
  ~ClientWorker() override;

  /// Replaces a link that may still be there.
  void start_link(LinkOrder order);
  /// Forgets the link without a word to anybody.
  void drop_link();
  /// Tells the gateway that this is the end; `on_link_drained` when it is told.
  void drain_link(tunnel::LinkId id);

  /// Takes the TUN over, in place of an earlier one.
  void attach_tun(std::unique_ptr<platform::TunDevice> device);
  void detach_tun();

  [[nodiscard]] ClientCounters counters() const;

  /// Ends everything; then the worker may be destroyed.
  [[nodiscard]] asio::awaitable<void> stop();

 private:
  struct Link;

  void on_configured(const session::TunnelParameters& parameters) override;
  void on_inner_packet(ByteView packet) override;
  void send(const quic::PacketTrain& train) override;
  void on_udp_payload(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload) override;
  void on_inner_packets(std::span<const HostPacket> packets) override;
  bool wants_inner_packets() const override;
  void on_inner_pause() override;
  void on_tun_lost(Error reason) override;

  [[nodiscard]] Result<std::unique_ptr<Link>> open_link(LinkOrder order);
  [[nodiscard]] asio::awaitable<void> receive(Link& link);
  [[nodiscard]] asio::awaitable<void> keep_time(Link& link);
  [[nodiscard]] asio::awaitable<void> bury(std::unique_ptr<Link> link);
  [[nodiscard]] asio::awaitable<void> bury(std::unique_ptr<TunPump> pump);
  void receive_batch(Link& link);
  void on_alarm(Link& link);
  void after_activity(Link& link);
  void lose(Link& link, Error reason);
  void end_link();

  asio::any_io_executor executor_;
  ClientWorkerListener& listener_;
  std::unique_ptr<Link> link_;
  std::unique_ptr<TunPump> pump_;
  InnerOutput to_host_;
  session::TrafficCounters past_;  // of links that are gone
  Clock::time_point now_;          // of the batch being served
  TaskGroup burials_;
};

}  // namespace slopn::io
