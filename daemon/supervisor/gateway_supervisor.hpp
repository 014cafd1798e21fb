#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <vector>

#include "daemon/config/client_registry.hpp"
#include "daemon/measure/measure_service.hpp"
#include "daemon/supervisor/address_book.hpp"
#include "daemon/supervisor/gateway_workers.hpp"
#include "daemon/supervisor/host_doctor.hpp"
#include "daemon/supervisor/role.hpp"
#include "libtunnel/io/task_group.hpp"
#include "platform/firewall.hpp"
#include "platform/route_manager.hpp"

namespace spdlog {
class logger;
}

namespace slopn::daemon {

/// The gateway role: who may come in, which address each gets, and the host's network around it.
///
/// Lives on the control thread; the data path are `GatewayWorkers` on threads of their own.
class GatewaySupervisor final : public GatewayRole, private GatewayWorkersListener {
 public:
  /// Cleans up after a run that crashed and begins to serve.
  [[nodiscard]] static Result<std::unique_ptr<GatewaySupervisor>> start(
      asio::any_io_executor control, config::Config config, std::shared_ptr<spdlog::logger> log);
  ~GatewaySupervisor() override;

  [[nodiscard]] Status status() const override;
  void refresh_status(std::function<void()> done) override;
  void diagnose(DiagnosisReply reply) override;
  void list_sessions(SessionsReply reply) const override;
  void kick_sessions(const std::string& who, const Caller& caller,
                     std::function<void(Result<std::uint32_t>)> reply) override;
  [[nodiscard]] Result<Invitation> invite(const InviteOrder& order, const Caller& caller) override;

  void change_config(const config::Config& config) override;
  void send_events_to(EventSink& events) override { events_ = &events; }
  [[nodiscard]] asio::awaitable<void> stop() override;

 private:
  GatewaySupervisor(asio::any_io_executor control, config::Config config, AddressBook book,
                    config::ClientRegistry invited, std::shared_ptr<spdlog::logger> log);
  [[nodiscard]] Result<> open();
  [[nodiscard]] Result<> open_network();
  [[nodiscard]] Result<> open_workers();

  void on_admission_wanted(session::SessionId id, const session::Visitor& visitor) override;
  void on_session_over(session::SessionId id, const session::Visitor& visitor,
                       const session::Admission& admission, const Error& reason) override;
  void on_tun_lost(const Error& reason) override;

  [[nodiscard]] bool is_full(const std::vector<IpPrefix>& addresses) const;
  [[nodiscard]] Result<> take_new_tun();
  void take_back(const session::Admission& admission, session::SessionId id);
  void offer_measurement();
  [[nodiscard]] std::vector<UdpEndpoint> measurement_endpoints() const;
  void restore_network();
  [[nodiscard]] asio::awaitable<void> keep_leases();
  void publish_rules();
  void warn_about_rules() const;
  [[nodiscard]] std::vector<SessionInfo> to_infos(const io::GatewayReport& report) const;

  asio::any_io_executor control_;
  config::Config config_;
  AddressBook book_;
  config::ClientRegistry invited_;
  std::shared_ptr<spdlog::logger> log_;
  HostDoctor doctor_{control_};
  std::unique_ptr<platform::RouteManager> routes_;
  std::unique_ptr<platform::Firewall> firewall_;
  std::string interface_name_;
  crypto::SpkiPin pin_;
  quic::ResetSecret reset_secret_{};
  std::map<session::SessionId, WallClock::time_point> admitted_;  // since when
  io::GatewayReport report_;                                      // as of the last refresh
  bool stopped_ = false;
  NoEvents no_events_;
  EventSink* events_ = &no_events_;                   // never null
  std::unique_ptr<measure::MeasureService> measure_;  // absent: switched off, or it cannot be
  io::TaskGroup tasks_;
  std::unique_ptr<GatewayWorkers> workers_;
};

}  // namespace slopn::daemon
