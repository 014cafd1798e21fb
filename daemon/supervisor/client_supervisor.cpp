#include "daemon/supervisor/client_supervisor.hpp"

#include <spdlog/logger.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <random>

#include "daemon/supervisor/diagnosis_subject.hpp"
#include "daemon/supervisor/report.hpp"

namespace slopn::daemon {
namespace {

constexpr auto kResolveTimeout = std::chrono::seconds(5);
constexpr auto kShortestConfirmation = std::chrono::seconds(1);
constexpr auto kLongestConfirmation = std::chrono::hours(1);

std::uint64_t random_seed()
{
  std::random_device random;
  return std::uint64_t{random()} << 32U | random();
}

RetryPolicy retry_policy(const config::RetryConfig& retry)
{
  RetryPolicy policy;
  // The QUIC handshake has its own deadline; on top come the name and the addresses.
  policy.connect_timeout = retry.handshake_timeout + kResolveTimeout;
  policy.first_backoff = retry.first_backoff;
  policy.longest_backoff = retry.longest_backoff;
  return policy;
}

}  // namespace

// Tells one watcher, until destroyed.
class ClientSupervisor::Watch final : public Commands::Subscription {
 public:
  Watch(ClientSupervisor& owner, std::uint64_t id) noexcept : owner_(owner), id_(id) {}
  ~Watch() override { owner_.watchers_.erase(id_); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  ClientSupervisor& owner_;
  std::uint64_t id_;
};

Result<std::unique_ptr<ClientSupervisor>> ClientSupervisor::start(
    asio::any_io_executor control, config::Config config, std::shared_ptr<spdlog::logger> log)
{
  auto profiles = ProfileShelf::open(config.state_dir / "profiles", log);
  if (!profiles) return profiles.error();
  auto routes = platform::make_route_manager({.state_dir = config.state_dir});
  if (!routes) return routes.error();

  std::unique_ptr<ClientSupervisor> made{new ClientSupervisor{
      control, std::move(config), std::move(*profiles), std::move(*routes), std::move(log)}};
  made->recall_addresses();
  if (auto taken = made->take_over_network(); !taken)
    return std::move(taken.error()).within("clean up after an earlier run");
  made->tasks_.spawn(made->keep_time());
  made->connect_on_start();
  return made;
}

ClientSupervisor::ClientSupervisor(asio::any_io_executor control, config::Config config,
                                   ProfileShelf profiles,
                                   std::unique_ptr<platform::RouteManager> routes,
                                   std::shared_ptr<spdlog::logger> log)
    : control_(control),
      config_(std::move(config)),
      profiles_(std::move(profiles)),
      network_(std::move(routes)),
      log_(std::move(log)),
      settings_(
          config_.state_dir / "settings.toml",
          [this](const std::string& name) -> Result<> {
            const auto found = profiles_.choose(ByName{name}, {}, {});
            if (!found) return found.error();
            return {};
          },
          log_),
      fsm_(retry_policy(config_.client.retry), random_seed()),
      address_store_(config_.state_dir / "gateway-addresses"),
      finder_(control),
      alarm_(control),
      tasks_(control),
      network_watch_(control, NetworkWatch::parts_of_host(control, *log_),
                     static_cast<NetworkWatchListener&>(*this), log_),
      worker_(std::make_unique<io::ClientWorker>(thread_.executor(),
                                                 static_cast<io::ClientWorkerListener&>(*this)))
{
}

// Without `stop()`: what the worker still does ends on its own thread, and the network as ever.
ClientSupervisor::~ClientSupervisor()
{
  if (stopped_) return;
  asio::co_spawn(thread_.executor(), worker_->stop(), asio::use_future).wait();
  (void)(fsm_.lockdown() ? block_traffic() : open_traffic());
}

// What an earlier run left is opened, unless it is to be blocked: then never, not for a moment.
Result<> ClientSupervisor::take_over_network()
{
  if (wants_lockdown()) return update_lockdown();
  return network_.open();
}

// Without them names are asked for anew, if DNS can be reached.
void ClientSupervisor::recall_addresses()
{
  auto loaded = address_store_.load();
  if (!loaded) return log_->warn("gateways: {}", loaded.error().message());
  if (loaded->damage) log_->warn("gateways: {}", loaded->damage->message());
  stored_addresses_ = std::move(loaded->addresses);
  finder_.set_known(stored_addresses_);
}

// ---- Calls ----------------------------------------------------------------------------------

Status ClientSupervisor::status() const
{
  ClientStatus status;
  status.traffic = to_traffic(counters_.traffic);
  status.state = client_state(fsm_, {.profile = profile_ ? &*profile_ : nullptr,
                                     .link = link_ ? &*link_ : nullptr,
                                     .plan = &plan_,
                                     .gateway = trying_gateway_,
                                     .interface_name = interface_name_,
                                     .connected_since = connected_since_,
                                     .last_heard = counters_.last_heard});
  const bool connected = std::holds_alternative<tunnel::Connected>(fsm_.state());
  if (connected) status.smoothed_rtt = counters_.smoothed_rtt;
  // What is, not what should be.
  status.traffic_blocked = network_.guard() == tunnel::Guard::blocked ||
                           (network_.guard() == tunnel::Guard::tunnel && !connected);
  return status;
}

void ClientSupervisor::refresh_status(std::function<void()> done)
{
  post_to_worker([this, done = std::move(done)](io::ClientWorker& worker) mutable {
    asio::post(control_, [this, done = std::move(done), counters = worker.counters()] {
      counters_ = counters;
      done();
    });
  });
}

void ClientSupervisor::diagnose(DiagnosisReply reply)
{
  const auto profiles = list_profiles();
  doctor_.look(client_diagnosis_subject(config_, std::get<ClientStatus>(status()),
                                        profiles ? *profiles : std::vector<ProfileSummary>{}),
               std::move(reply));
}

std::string ClientSupervisor::profile_in_use() const
{
  return fsm_.connection_wanted() && profile_ ? profile_->name : std::string{};
}

Result<std::string> ClientSupervisor::connect(const ConnectOrder& order, const Caller&)
{
  const auto within = order.confirm_within;
  if (within && (*within < kShortestConfirmation || *within > kLongestConfirmation))
    return fail(Errc::invalid_argument, "the time to confirm is 1 s to 1 h");
  const std::string in_use = profile_in_use();
  const config::Settings& wishes = settings_.current();
  const std::string& preferred =
      wishes.auto_connect.empty() ? config_.client.default_profile : wishes.auto_connect;
  auto profile = profiles_.choose(order.profile, preferred, in_use);
  if (!profile) return profile.error();
  if (!in_use.empty() && in_use != profile->name)
    return fail(Errc::busy, "profile " + in_use + " is connected; disconnect it first");
  if (in_use.empty()) {
    profile_ = std::move(*profile);
    if (wishes.mtu_bytes != 0) profile_->max_mtu_bytes = wishes.mtu_bytes;
  }
  const std::string name = profile_->name;
  handle(tunnel::ConnectRequested{within});
  return name;
}

Result<std::string> ClientSupervisor::confirm_connection(const Caller&)
{
  if (!fsm_.confirm_until() || !profile_)
    return fail(Errc::refused, "no connection waits to be confirmed");
  handle(tunnel::ConnectionConfirmed{});
  return profile_->name;
}

Result<> ClientSupervisor::disconnect(const Caller&)
{
  network_trouble_.reset();
  handle(tunnel::DisconnectRequested{});
  if (network_trouble_) return *network_trouble_;
  return {};
}

Result<ProfileSummary> ClientSupervisor::import_profile(const ImportOrder& order,
                                                        const Caller& caller)
{
  return profiles_.import(order, caller);
}

Result<std::vector<ProfileSummary>> ClientSupervisor::list_profiles() const
{
  return profiles_.list();
}

Result<> ClientSupervisor::remove_profile(const std::string& name, const Caller&)
{
  if (name == profile_in_use())
    return fail(Errc::busy, "profile " + name + " is in use; disconnect first");
  return profiles_.remove(name);
}

std::unique_ptr<Commands::Subscription> ClientSupervisor::on_status_change(
    std::function<void()> listener)
{
  const std::uint64_t id = ++last_watcher_;
  watchers_.emplace(id, std::move(listener));
  return std::make_unique<Watch>(*this, id);
}

void ClientSupervisor::tell_watchers()
{
  const auto now_watching = watchers_;  // one of them may leave while it is told
  for (const auto& [id, listener] : now_watching) listener();
}

// ---- What others know of the host -----------------------------------------------------------

Result<> ClientSupervisor::update_lockdown()
{
  network_trouble_.reset();
  handle(tunnel::LockdownChanged{wants_lockdown()});
  if (network_trouble_) return *network_trouble_;
  return {};
}

void ClientSupervisor::on_network_changed(bool usable)
{
  if (auto refreshed = refresh_routes(); !refreshed)
    log_->error("network: {}", refreshed.error().message());
  handle(tunnel::NetworkChanged{usable});
}

void ClientSupervisor::on_suspended()
{
  handle(tunnel::Suspended{});
}

void ClientSupervisor::on_resumed()
{
  handle(tunnel::Resumed{});
}

// ---- The machine ----------------------------------------------------------------------------

// Performing an action may be an event in itself; it then waits for its turn.
void ClientSupervisor::handle(tunnel::Event event)
{
  events_.push_back(std::move(event));
  if (handling_) return;
  handling_ = true;
  const ShownState before = shown(fsm_, trying_gateway_);
  while (!events_.empty()) {
    const tunnel::Event next = std::move(events_.front());
    events_.pop_front();
    handle_one(next);
  }
  handling_ = false;
  alarm_.set(fsm_.next_deadline().value_or(Clock::time_point::max()));
  if (before != shown(fsm_, trying_gateway_)) tell_watchers();
}

void ClientSupervisor::handle_one(const tunnel::Event& event)
{
  const std::string_view before = to_string(fsm_.state());
  const TunnelFsm::Actions actions = fsm_.on_event(event, Clock::now());
  log_transition(before);
  for (const tunnel::Action& action : actions) perform(action);
}

void ClientSupervisor::log_transition(std::string_view before) const
{
  const std::string_view after = to_string(fsm_.state());
  if (before == after) return;
  std::string detail;
  if (const auto* waiting = std::get_if<tunnel::Reconnecting>(&fsm_.state())) {
    const auto wait =
        std::chrono::duration_cast<std::chrono::milliseconds>(waiting->until - Clock::now());
    detail = " retry_in_ms=" + std::to_string(wait.count()) + " reason=\"" +
             waiting->reason.message() + "\"";
  } else if (const auto* failed = std::get_if<tunnel::Failed>(&fsm_.state())) {
    detail = " reason=\"" + failed->error.message() + "\"";
  } else if (const auto* ended = std::get_if<tunnel::Disconnected>(&fsm_.state())) {
    if (ended->reason) detail = " reason=\"" + ended->reason->message() + "\"";
  }
  log_->info("tunnel: profile={} state={}->{} blocked={}{}", profile_ ? profile_->name : "-",
             before, after, fsm_.traffic_blocked(), detail);
}

asio::awaitable<void> ClientSupervisor::keep_time()
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const bool rang = co_await alarm_.wait();
    if (!rang) co_return;
    on_alarm();
  }
}

void ClientSupervisor::on_alarm()
{
  handle(tunnel::TimeAdvanced{});
}

// ---- Life -----------------------------------------------------------------------------------

void ClientSupervisor::change_config(const config::Config& config)
{
  config_ = config;
  if (auto changed = update_lockdown(); !changed)
    log_->error("network: {}", changed.error().message());
}

asio::awaitable<void> ClientSupervisor::stop()
{
  handle(tunnel::DisconnectRequested{});
  // The machine ends every drain by its own deadline; wait for it here.
  while (std::holds_alternative<tunnel::Disconnecting>(fsm_.state())) {
    asio::steady_timer pause{control_, std::chrono::milliseconds(5)};
    [[maybe_unused]] const auto [ec] = co_await pause.async_wait(with_ec);
  }
  co_await finder_.stop();
  tasks_.cancel();
  co_await tasks_.join();
  co_await network_watch_.stop();
  co_await asio::co_spawn(thread_.executor(), worker_->stop(), asio::use_awaitable);
  stopped_ = true;
}

}  // namespace slopn::daemon
