#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "daemon/supervisor/profile_shelf.hpp"
#include "daemon/supervisor/role.hpp"
#include "libtunnel/core/tunnel_fsm.hpp"
#include "libtunnel/io/client_worker.hpp"
#include "libtunnel/io/task_group.hpp"
#include "libtunnel/io/worker_thread.hpp"
#include "platform/route_manager.hpp"

namespace spdlog {
class logger;
}

namespace slopn::daemon {

/// The client role: profiles, one tunnel at a time, and the host's network around it.
///
/// `TunnelFsm` decides, this class does: it feeds events to the machine, performs its actions and
/// tells those who watch. Lives on the control thread; the data path is a `ClientWorker` on a
/// thread of its own, which is only ever posted to.
class ClientSupervisor final : public ClientRole, private io::ClientWorkerListener {
 public:
  /// Cleans up after a run that crashed, and connects if the configuration says so.
  [[nodiscard]] static Result<std::unique_ptr<ClientSupervisor>> start(
      asio::any_io_executor control, config::Config config, std::shared_ptr<spdlog::logger> log);
  ~ClientSupervisor() override;

  [[nodiscard]] Status status() const override;
  void refresh_status(std::function<void()> done) override;
  [[nodiscard]] Result<std::string> connect(const ProfileChoice& choice,
                                            const Caller& caller) override;
  [[nodiscard]] Result<> disconnect(const Caller& caller) override;
  [[nodiscard]] Result<ProfileSummary> import_profile(const ImportOrder& order,
                                                      const Caller& caller) override;
  [[nodiscard]] Result<std::vector<ProfileSummary>> list_profiles() const override;
  [[nodiscard]] Result<> remove_profile(const std::string& name, const Caller& caller) override;
  [[nodiscard]] std::unique_ptr<Subscription> on_status_change(
      std::function<void()> listener) override;

  void change_config(const config::Config& config) override;
  [[nodiscard]] asio::awaitable<void> stop() override;

 private:
  class Watch;

  ClientSupervisor(asio::any_io_executor control, config::Config config, ProfileShelf profiles,
                   std::unique_ptr<platform::RouteManager> routes,
                   std::shared_ptr<spdlog::logger> log);

  // On the worker's thread: each posts to the control thread.
  void on_link_configured(tunnel::LinkId id, io::LinkFacts facts) override;
  void on_link_lost(tunnel::LinkId id, Error reason) override;
  void on_link_drained(tunnel::LinkId id) override;
  void on_tun_lost(Error reason) override;

  // On the control thread.
  void handle(const tunnel::Event& event);
  void perform(const tunnel::Action& action);
  void begin_link(tunnel::LinkId id);
  [[nodiscard]] asio::awaitable<void> resolve_and_link(tunnel::LinkId id);
  [[nodiscard]] asio::awaitable<Result<UdpEndpoint>> pick_gateway_address();
  void start_link(tunnel::LinkId id, const Result<UdpEndpoint>& gateway);
  [[nodiscard]] asio::awaitable<void> keep_time();
  void on_alarm();
  void take_link_facts(tunnel::LinkId id, io::LinkFacts facts);
  void bring_interface_up(tunnel::LinkId id);
  [[nodiscard]] Result<> configure_interface();
  void take_interface_down();
  void replace_tun(const Error& reason);
  void log_transition(std::string_view before) const;
  void tell_watchers();
  /// The profile of the tunnel that is there or being made; empty when there is none.
  [[nodiscard]] std::string profile_in_use() const;
  template <class F>
  void post_to_worker(F action);

  asio::any_io_executor control_;
  config::Config config_;
  ProfileShelf profiles_;
  std::unique_ptr<platform::RouteManager> routes_;
  std::shared_ptr<spdlog::logger> log_;

  TunnelFsm fsm_;
  std::optional<config::Profile> profile_;  // of the tunnel that is wanted, or was last
  std::vector<UdpEndpoint> resolved_;  // the gateway's addresses; names cannot be asked for later
  std::size_t next_address_ = 0;
  std::optional<io::LinkFacts> link_;  // of the link that is up
  std::optional<tunnel::LinkId> link_id_;
  WallClock::time_point connected_since_;
  std::string interface_name_;   // while the TUN exists
  io::ClientCounters counters_;  // as of the last refresh

  std::map<std::uint64_t, std::function<void()>> watchers_;
  std::uint64_t last_watcher_ = 0;
  bool stopped_ = false;
  io::Alarm alarm_;
  io::TaskGroup tasks_;
  io::WorkerThread thread_;
  std::unique_ptr<io::ClientWorker> worker_;  // lives on thread_
};

}  // namespace slopn::daemon
