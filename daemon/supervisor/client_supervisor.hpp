#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/supervisor/client_status.hpp"
#include "daemon/supervisor/gateway_finder.hpp"
#include "daemon/supervisor/host_doctor.hpp"
#include "daemon/supervisor/host_network.hpp"
#include "daemon/supervisor/network_watch.hpp"
#include "daemon/supervisor/profile_shelf.hpp"
#include "daemon/supervisor/role.hpp"
#include "daemon/supervisor/settings_shelf.hpp"
#include "daemon/supervisor/split_routes.hpp"
#include "libtunnel/core/tunnel_fsm.hpp"
#include "libtunnel/io/client_worker.hpp"
#include "libtunnel/io/task_group.hpp"
#include "libtunnel/io/worker_thread.hpp"

namespace spdlog {
class logger;
}

namespace slopn::daemon {

/// The client role: profiles, one tunnel at a time, and the host's network around it.
///
/// `TunnelFsm` decides, this class does: it feeds events to the machine, performs its actions and
/// tells those who watch. Lives on the control thread; the data path is a `ClientWorker` on a
/// thread of its own, which is only ever posted to.
class ClientSupervisor final : public ClientRole,
                               private io::ClientWorkerListener,
                               private NetworkWatchListener {
 public:
  /// Cleans up after a run that crashed, and connects if the settings or the configuration say so.
  /// With lockdown, what the crashed run left blocked is never opened.
  [[nodiscard]] static Result<std::unique_ptr<ClientSupervisor>> start(
      asio::any_io_executor control, config::Config config, std::shared_ptr<spdlog::logger> log);
  ~ClientSupervisor() override;

  [[nodiscard]] Status status() const override;
  void refresh_status(std::function<void()> done) override;
  void diagnose(DiagnosisReply reply) override;
  [[nodiscard]] Result<std::string> connect(const ConnectOrder& order,
                                            const Caller& caller) override;
  [[nodiscard]] Result<std::string> confirm_connection(const Caller& caller) override;
  [[nodiscard]] Result<> disconnect(const Caller& caller) override;
  [[nodiscard]] Result<ProfileSummary> import_profile(const ImportOrder& order,
                                                      const Caller& caller) override;
  [[nodiscard]] Result<std::vector<ProfileSummary>> list_profiles() const override;
  [[nodiscard]] Result<> remove_profile(const std::string& name, const Caller& caller) override;
  [[nodiscard]] std::unique_ptr<Subscription> on_status_change(
      std::function<void()> listener) override;

  [[nodiscard]] Result<SettingsReport> settings() const override;
  [[nodiscard]] config::SettingsResult<SettingsChange> update_settings(
      const std::vector<config::SettingText>& changes, const Caller& caller) override;
  [[nodiscard]] Result<std::string> export_settings() const override;
  [[nodiscard]] config::SettingsResult<SettingsChange> import_settings(
      const std::string& text, const Caller& caller) override;

  /// The host's network has changed; `usable`: it has some way out.
  void on_network_changed(bool usable);
  /// The host is about to sleep, or has woken up.
  void on_suspended();
  void on_resumed();

  void change_config(const config::Config& config) override;
  void send_events_to(EventSink& events) override { event_sink_ = &events; }
  /// Under lockdown traffic stays blocked, for the next start or for good.
  [[nodiscard]] asio::awaitable<void> stop() override;

 private:
  class Watch;

  ClientSupervisor(asio::any_io_executor control, config::Config config, ProfileShelf profiles,
                   std::unique_ptr<platform::RouteManager> routes,
                   std::shared_ptr<spdlog::logger> log);

  // On the worker's thread: each posts to the control thread.
  void on_link_progress(tunnel::LinkId id, tunnel::Phase phase, std::string gateway) override;
  void on_link_configured(tunnel::LinkId id, io::LinkFacts facts) override;
  void on_link_moved(UdpEndpoint local, UdpEndpoint remote) override;
  void on_link_lost(tunnel::LinkId id, Error reason) override;
  void on_link_drained(tunnel::LinkId id) override;
  void on_tun_lost(Error reason) override;

  // News from the host (client_tunnel_actions.cpp):
  void on_way_found(const platform::LocalPath& path) override;
  void on_way_lost() override;
  void on_falling_asleep() override;
  void on_woke_up() override;
  void on_clock_jumped(std::chrono::milliseconds by, bool slept) override;

  // On the control thread. The machine (client_supervisor.cpp):
  [[nodiscard]] Result<> take_over_network();
  void recall_addresses();
  [[nodiscard]] Result<> update_lockdown();
  void handle(tunnel::Event event);
  void handle_one(const tunnel::Event& event);
  [[nodiscard]] asio::awaitable<void> keep_time();
  void on_alarm();
  void log_transition(std::string_view before) const;
  void tell_watchers();
  /// The profile of the tunnel that is there or being made; empty when there is none.
  [[nodiscard]] std::string profile_in_use() const;

  // What the user wants (client_settings.cpp):
  void connect_on_start();
  [[nodiscard]] config::SettingsResult<SettingsChange> put_settings_in_force(
      const config::Settings& before);
  [[nodiscard]] bool wants_lockdown() const noexcept;
  [[nodiscard]] std::vector<IpPrefix> reachable_lan() const;
  [[nodiscard]] RoutePlan plan_now() const;
  [[nodiscard]] Result<> apply_plan(RoutePlan plan);
  /// Brings the routes up to date with the settings and the links of this host, if there are any.
  [[nodiscard]] Result<> refresh_routes();

  // Its actions (client_tunnel_actions.cpp):
  void perform(const tunnel::Action& action);
  void begin_link(tunnel::LinkId id);
  void follow(std::vector<IpAddress> gateways);
  void take_addresses(tunnel::LinkId id, const GatewayFinder::News& news);
  void take_progress(tunnel::LinkId id, tunnel::Phase phase, std::string gateway);
  void take_link_facts(tunnel::LinkId id, io::LinkFacts facts);
  void drop_link();
  void remember_addresses();
  void configure_for(tunnel::LinkId id);
  [[nodiscard]] Result<> configure_interface();
  void change_network(Result<> (ClientSupervisor::*change)());
  [[nodiscard]] Result<> block_traffic();
  [[nodiscard]] Result<> open_traffic();
  void replace_tun(const Error& reason);
  template <class F>
  void post_to_worker(F action);

  asio::any_io_executor control_;
  config::Config config_;
  ProfileShelf profiles_;
  HostNetwork network_;
  std::shared_ptr<spdlog::logger> log_;
  SettingsShelf settings_;
  HostDoctor doctor_{control_};

  TunnelFsm fsm_;
  std::deque<tunnel::Event> events_;  // that came while another was being handled
  bool handling_ = false;
  std::optional<Error> network_trouble_;    // of the last change, if it failed
  std::optional<config::Profile> profile_;  // of the tunnel that is wanted, or was last
  config::AddressStore address_store_;
  config::KnownAddresses stored_addresses_;
  GatewayFinder finder_;
  std::string trying_gateway_;         // while connecting; empty for several
  std::optional<io::LinkFacts> link_;  // of the link that is up
  std::optional<tunnel::LinkId> link_id_;
  std::vector<IpAddress> candidates_;  // of the link that is being made
  WallClock::time_point connected_since_;
  std::string interface_name_;  // while the TUN exists
  // What the routes were made from, while there are any; also between two links.
  std::optional<session::TunnelParameters> routed_;
  RoutePlan plan_;
  io::ClientCounters counters_;  // as of the last refresh

  NoEvents no_events_;
  EventSink* event_sink_ = &no_events_;  // never null
  std::map<std::uint64_t, std::function<void()>> watchers_;
  std::uint64_t last_watcher_ = 0;
  bool stopped_ = false;
  io::Alarm alarm_;
  io::TaskGroup tasks_;
  NetworkWatch network_watch_;
  io::WorkerThread thread_;
  std::unique_ptr<io::ClientWorker> worker_;  // lives on thread_
};

template <class F>
void ClientSupervisor::post_to_worker(F action)
{
  asio::post(thread_.executor(),
             [this, action = std::move(action)]() mutable { action(*worker_); });
}

}  // namespace slopn::daemon
