#pragma once

#include <memory>
#include <vector>

#include "libtunnel/io/alarm.hpp"
#include "libtunnel/io/inner_exchange.hpp"
#include "libtunnel/io/inner_output.hpp"
#include "libtunnel/io/tun_pump.hpp"
#include "libtunnel/io/udp_socket.hpp"
#include "libtunnel/session/gateway_endpoint.hpp"

namespace slopn::io {

/// Called on the worker's thread; post to wherever the news belongs.
class GatewayWorkerListener {
 public:
  virtual ~GatewayWorkerListener() = default;
  /// Answer with `GatewayWorker::admit()` or `refuse()`, on the worker's thread.
  virtual void on_admission_wanted(session::SessionId id, session::Visitor visitor) = 0;
  virtual void on_session_over(session::SessionId id, session::Visitor visitor,
                               session::Admission admission, Error reason) = 0;
  /// The TUN with this interface index cannot be read any more.
  virtual void on_tun_lost(std::uint32_t interface_index, Error reason) = 0;
};

/// One session as a list shows it.
struct SessionReport {
  session::SessionId id{};
  session::Visitor visitor;
  std::vector<IpPrefix> addresses;
  std::chrono::microseconds smoothed_rtt{0};
  session::TrafficCounters traffic;
};

struct GatewayReport {
  std::vector<SessionReport> sessions;
  session::TrafficCounters traffic;  ///< Of everybody since the start.
};

/// A gateway's data path, or with several workers one of its shares: UDP sockets and a TUN, or a
/// queue of one, around a `GatewayEndpoint`.
///
/// Lives on one thread: every call belongs there, but `start()`, and the destructor when that
/// thread has ended, after `stop()`.
class GatewayWorker final : private session::GatewayEndpointListener,
                            private session::Outlet,
                            private DatagramReceiver,
                            private InnerHandler {
 public:
  struct Setup {
    session::GatewayEndpointOptions endpoint;
    session::AdmissionRules rules;
    const quic::TlsContext& tls;  ///< Of all workers, so that each resumes what another began.
    std::vector<UdpEndpoint> listen;
    UdpSocketOptions socket;
    InnerExchange* exchange = nullptr;  ///< Needed only with several workers; outlives this one.
  };

  /// Opens the sockets and begins to serve. Workers are started in the order of their numbers.
  /// Errors: an address that cannot be bound.
  [[nodiscard]] static Result<std::unique_ptr<GatewayWorker>> start(
      asio::any_io_executor executor, Setup setup, GatewayWorkerListener& listener);
  ~GatewayWorker() override;

  /// Takes the TUN over, in place of an earlier one.
  void attach_tun(std::unique_ptr<platform::TunDevice> device);

  /// False when the session is gone: nothing was given, and no `on_session_over` follows.
  bool admit(session::SessionId id, session::Admission admission);
  void refuse(session::SessionId id, std::string_view details);
  void kick(std::span<const session::SessionId> ids);
  /// Ends one session, if it is still there.
  void end(session::SessionId id, Error reason);
  void change_rules(session::AdmissionRules rules);
  /// For connections that come from now on.
  void change_options(const session::GatewayEndpointOptions& options)
  {
    endpoint_.change_options(options);
  }
  [[nodiscard]] GatewayReport report() const;

  /// Takes leave of all clients and ends everything; then the worker may be destroyed.
  [[nodiscard]] asio::awaitable<void> stop();

 private:
  GatewayWorker(asio::any_io_executor executor, Setup setup, GatewayWorkerListener& listener);

  void on_inner_packet(ByteView packet) override;
  void on_admission_wanted(session::SessionId id, const session::Visitor& visitor) override;
  void on_session_over(session::SessionId id, const session::Visitor& visitor,
                       const session::Admission& admission, const Error& reason) override;
  bool on_foreign_packet(const IpAddress& destination, const HostPacket& packet) override;
  void send(const quic::PacketTrain& train) override;
  void on_udp_payload(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload) override;
  void on_inner_packets(std::span<const HostPacket> packets) override;
  bool wants_inner_packets() const override { return true; }  // one slow client must stop nobody
  void on_inner_pause() override;
  void on_tun_lost(Error reason) override;

  [[nodiscard]] asio::awaitable<void> receive(UdpSocket& socket);
  [[nodiscard]] asio::awaitable<void> keep_time();
  [[nodiscard]] asio::awaitable<void> bury(std::unique_ptr<TunPump> pump);
  [[nodiscard]] UdpSocket* socket_for(const quic::UdpPath& path) noexcept;
  void on_alarm();
  void on_mail();
  void after_activity();
  void detach_tun();

  asio::any_io_executor executor_;
  GatewayWorkerListener& listener_;
  std::size_t number_;  // among the workers
  InnerExchange* exchange_;
  Mail mail_;
  bool reading_mail_ = false;
  bool stopped_ = false;
  std::vector<std::unique_ptr<UdpSocket>> sockets_;
  session::GatewayEndpoint endpoint_;
  std::unique_ptr<TunPump> pump_;
  InnerOutput to_host_;
  Alarm alarm_;
  Clock::time_point now_;  // of the batch being served
  TaskGroup tasks_;
  TaskGroup burials_;
};

}  // namespace slopn::io
