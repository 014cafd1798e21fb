#include "daemon/supervisor/client_supervisor.hpp"

#include <spdlog/logger.h>

#include <boost/asio/cancel_after.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <random>

#include "daemon/supervisor/client_network.hpp"
#include "daemon/supervisor/data_path_options.hpp"
#include "daemon/supervisor/profile_link.hpp"
#include "daemon/supervisor/remedies.hpp"
#include "daemon/supervisor/report.hpp"
#include "libtunnel/base/overloaded.hpp"
#include "platform/tun_device.hpp"

namespace slopn::daemon {
namespace {

constexpr auto kResolveTimeout = std::chrono::seconds(5);

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

std::string_view name_of(const tunnel::State& state)
{
  return std::visit(Overloaded{
                        [](const tunnel::Idle&) { return "idle"; },
                        [](const tunnel::Connecting&) { return "connecting"; },
                        [](const tunnel::Online&) { return "online"; },
                        [](const tunnel::Backoff&) { return "backoff"; },
                        [](const tunnel::Closing&) { return "closing"; },
                        [](const tunnel::Closed&) { return "closed"; },
                    },
                    state);
}

WallClock::time_point to_wall(Clock::time_point instant)
{
  return WallClock::now() + std::chrono::duration_cast<WallClock::duration>(instant - Clock::now());
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
  if (auto restored = (*routes)->restore(); !restored)
    return std::move(restored.error()).within("clean up after an earlier run");

  std::unique_ptr<ClientSupervisor> made{new ClientSupervisor{
      control, std::move(config), std::move(*profiles), std::move(*routes), std::move(log)}};
  made->tasks_.spawn(made->keep_time());
  if (made->config_.client.connect_on_start) {
    if (auto begun = made->connect(ByName{made->config_.client.default_profile}, Caller{}); !begun)
      made->log_->error("tunnel: cannot connect on start: {}", begun.error().message());
  }
  return made;
}

ClientSupervisor::ClientSupervisor(asio::any_io_executor control, config::Config config,
                                   ProfileShelf profiles,
                                   std::unique_ptr<platform::RouteManager> routes,
                                   std::shared_ptr<spdlog::logger> log)
    : control_(control),
      config_(std::move(config)),
      profiles_(std::move(profiles)),
      routes_(std::move(routes)),
      log_(std::move(log)),
      fsm_(retry_policy(config_.client.retry), random_seed()),
      alarm_(control),
      tasks_(control),
      worker_(std::make_unique<io::ClientWorker>(thread_.executor(),
                                                 static_cast<io::ClientWorkerListener&>(*this)))
{
}

// Without `stop()`: what the worker still does ends on its own thread, and the network as ever.
ClientSupervisor::~ClientSupervisor()
{
  if (stopped_) return;
  asio::co_spawn(thread_.executor(), worker_->stop(), asio::use_future).wait();
  (void)routes_->restore();
}

template <class F>
void ClientSupervisor::post_to_worker(F action)
{
  asio::post(thread_.executor(),
             [this, action = std::move(action)]() mutable { action(*worker_); });
}

// ---- Calls ----------------------------------------------------------------------------------

Status ClientSupervisor::status() const
{
  const std::string profile = profile_ ? profile_->name : std::string{};
  ClientStatus status;
  status.traffic = to_traffic(counters_.traffic);
  status.state = std::visit(
      Overloaded{
          [&](const tunnel::Idle&) -> ClientState { return Disconnected{}; },
          [&](const tunnel::Connecting& state) -> ClientState {
            return Connecting{profile, state.attempt};
          },
          [&](const tunnel::Online&) -> ClientState {
            status.smoothed_rtt = counters_.smoothed_rtt;
            Connected connected;
            connected.profile = profile;
            connected.since = connected_since_;
            connected.gateway = profile_->gateway.to_string();
            connected.authentication = config::method_name(profile_->auth);
            connected.interface_name = interface_name_;
            if (!link_) return connected;
            connected.remote = link_->gateway;
            connected.mtu_bytes = static_cast<std::uint16_t>(link_->parameters.mtu_bytes);
            connected.cipher = link_->handshake.cipher;
            connected.key_exchange_group = link_->handshake.key_exchange_group;
            for (const IpPrefix& address : link_->parameters.addresses)
              connected.addresses.push_back({address.address(), address.length_bits()});
            connected.routes = tunnelled_prefixes(link_->parameters.routes, profile_->routes);
            connected.measurement_endpoints =
                endpoints_inside(link_->parameters.features.measurement,
                                 link_->parameters.addresses, connected.routes);
            return connected;
          },
          [&](const tunnel::Backoff& state) -> ClientState {
            return Reconnecting{profile, state.reason, state.next_attempt, to_wall(state.until)};
          },
          [&](const tunnel::Closing&) -> ClientState { return Disconnecting{profile}; },
          [&](const tunnel::Closed& state) -> ClientState {
            if (!state.reason) return Disconnected{};
            return Disconnected{state.reason, remedy_for(*state.reason)};
          },
      },
      fsm_.state());
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

std::string ClientSupervisor::profile_in_use() const
{
  const bool idle = std::holds_alternative<tunnel::Idle>(fsm_.state()) ||
                    std::holds_alternative<tunnel::Closed>(fsm_.state());
  return idle || !profile_ ? std::string{} : profile_->name;
}

Result<std::string> ClientSupervisor::connect(const ProfileChoice& choice, const Caller&)
{
  const std::string in_use = profile_in_use();
  auto profile = profiles_.choose(choice, config_.client.default_profile, in_use);
  if (!profile) return profile.error();
  if (!in_use.empty() && in_use != profile->name)
    return fail(Errc::busy, "profile " + in_use + " is connected; disconnect it first");
  if (std::holds_alternative<tunnel::Closing>(fsm_.state()))
    return fail(Errc::busy, "still disconnecting; try again in a moment");
  if (in_use.empty()) {
    profile_ = std::move(*profile);
    resolved_.clear();
  }
  handle(tunnel::ConnectRequested{});
  return profile_->name;
}

Result<> ClientSupervisor::disconnect(const Caller&)
{
  handle(tunnel::StopRequested{});
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

// ---- The machine ----------------------------------------------------------------------------

void ClientSupervisor::handle(const tunnel::Event& event)
{
  const std::string_view before = name_of(fsm_.state());
  const TunnelFsm::Actions actions = fsm_.on_event(event, Clock::now());
  log_transition(before);
  for (const tunnel::Action& action : actions) perform(action);
  alarm_.set(fsm_.next_deadline().value_or(Clock::time_point::max()));
  if (before != name_of(fsm_.state())) tell_watchers();
}

void ClientSupervisor::log_transition(std::string_view before) const
{
  const std::string_view after = name_of(fsm_.state());
  if (before == after) return;
  std::string detail;
  if (const auto* backoff = std::get_if<tunnel::Backoff>(&fsm_.state())) {
    const auto wait =
        std::chrono::duration_cast<std::chrono::milliseconds>(backoff->until - Clock::now());
    detail = " retry_in_ms=" + std::to_string(wait.count()) + " reason=\"" +
             backoff->reason.message() + "\"";
  } else if (const auto* closed = std::get_if<tunnel::Closed>(&fsm_.state())) {
    if (closed->reason) detail = " reason=\"" + closed->reason->message() + "\"";
  }
  log_->info("tunnel: profile={} state={}->{}{}", profile_ ? profile_->name : "-", before, after,
             detail);
}

void ClientSupervisor::perform(const tunnel::Action& action)
{
  std::visit(
      Overloaded{
          [&](const tunnel::StartLink& start) { begin_link(start.id); },
          [&](const tunnel::BringInterfaceUp& up) { bring_interface_up(up.id); },
          [&](const tunnel::DropLink&) {
            link_id_.reset();
            link_.reset();
            post_to_worker([](io::ClientWorker& worker) { worker.drop_link(); });
          },
          [&](const tunnel::TakeInterfaceDown&) { take_interface_down(); },
          [&](const tunnel::StartDrain& drain) {
            link_id_.reset();
            post_to_worker([id = drain.id](io::ClientWorker& worker) { worker.drain_link(id); });
          },
      },
      action);
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

void ClientSupervisor::begin_link(tunnel::LinkId id)
{
  link_id_ = id;
  link_.reset();
  tasks_.spawn(resolve_and_link(id));
}

asio::awaitable<void> ClientSupervisor::resolve_and_link(tunnel::LinkId id)
{
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto gateway = co_await pick_gateway_address();
  const bool stop = co_await stop_requested();
  if (stop) co_return;
  if (link_id_ == id) start_link(id, gateway);
}

void ClientSupervisor::start_link(tunnel::LinkId id, const Result<UdpEndpoint>& gateway)
{
  if (!gateway) return handle(tunnel::LinkLost{id, gateway.error()});
  auto order = make_link_order(config_, *profile_, *gateway, id);
  if (!order) return handle(tunnel::LinkLost{id, std::move(order.error())});
  post_to_worker([order = std::move(*order)](io::ClientWorker& worker) mutable {
    worker.start_link(std::move(order));
  });
}

// The next of the gateway's addresses. A name is asked for once: while a tunnel is up or being
// repaired, DNS goes into the tunnel like everything else.
asio::awaitable<Result<UdpEndpoint>> ClientSupervisor::pick_gateway_address()
{
  const config::HostPort gateway = profile_->gateway;
  if (const auto address = IpAddress::parse(gateway.host))
    co_return UdpEndpoint{*address, gateway.port};
  if (resolved_.empty()) {
    asio::ip::udp::resolver resolver{control_};
    const auto [ec, answers] = co_await resolver.async_resolve(
        gateway.host, std::to_string(gateway.port),
        asio::ip::resolver_base::numeric_service | asio::ip::resolver_base::address_configured,
        asio::cancel_after(kResolveTimeout, with_ec));
    if (ec)
      co_return fail(Errc::unreachable, "resolve " + gateway.host + " (" + ec.message() + ")");
    for (const auto& answer : answers) {
      if (const auto address = IpAddress::parse(answer.endpoint().address().to_string()))
        resolved_.push_back({*address, gateway.port});
    }
    next_address_ = 0;
    if (resolved_.empty()) co_return fail(Errc::unreachable, "resolve " + gateway.host);
  }
  co_return resolved_[next_address_++ % resolved_.size()];
}

// ---- News from the worker -------------------------------------------------------------------

void ClientSupervisor::on_link_configured(tunnel::LinkId id, io::LinkFacts facts)
{
  asio::post(control_, [this, id, facts = std::move(facts)]() mutable {
    take_link_facts(id, std::move(facts));
  });
}

void ClientSupervisor::on_link_lost(tunnel::LinkId id, Error reason)
{
  asio::post(control_, [this, id, reason = std::move(reason)]() mutable {
    handle(tunnel::LinkLost{id, std::move(reason)});
  });
}

void ClientSupervisor::on_link_drained(tunnel::LinkId id)
{
  asio::post(control_, [this, id] { handle(tunnel::DrainDone{id}); });
}

void ClientSupervisor::on_tun_lost(Error reason)
{
  asio::post(control_, [this, reason = std::move(reason)] { replace_tun(reason); });
}

void ClientSupervisor::take_link_facts(tunnel::LinkId id, io::LinkFacts facts)
{
  if (link_id_ != id) return;  // of a link that was given up meanwhile
  const bool first = !link_;
  link_ = std::move(facts);
  if (first) return handle(tunnel::LinkUp{id});
  if (auto configured = configure_interface(); !configured) {
    post_to_worker([](io::ClientWorker& worker) { worker.drop_link(); });
    return handle(tunnel::LinkLost{id, std::move(configured.error())});
  }
  tell_watchers();
}

// ---- The host's network ---------------------------------------------------------------------

void ClientSupervisor::bring_interface_up(tunnel::LinkId id)
{
  connected_since_ = WallClock::now();
  if (auto configured = configure_interface(); !configured) {
    post_to_worker([](io::ClientWorker& worker) { worker.drop_link(); });
    return handle(tunnel::LinkLost{id, std::move(configured.error())});
  }
  log_->info("tunnel: up gateway={} interface={} mtu_bytes={} cipher={} group={}",
             profile_->gateway.to_string(), interface_name_, link_->parameters.mtu_bytes,
             link_->handshake.cipher, link_->handshake.key_exchange_group);
}

Result<> ClientSupervisor::configure_interface()
{
  const auto mtu = static_cast<std::uint16_t>(link_->parameters.mtu_bytes);
  if (interface_name_.empty()) {
    auto tun =
        platform::open_tun(thread_.executor(), {.name_template = config_.client.interface_name,
                                                .mtu_bytes = mtu,
                                                .offloads = tun_offloads(config_.offload)});
    if (!tun) return tun.error();
    interface_name_ = (*tun)->name();
    post_to_worker([tun = std::move(*tun)](io::ClientWorker& worker) mutable {
      worker.attach_tun(std::move(tun));
    });
  }
  const auto through_tunnel = tunnelled_prefixes(link_->parameters.routes, profile_->routes);
  if (auto applied = routes_->apply(
          client_network(config_.client, interface_name_, link_->parameters, through_tunnel));
      !applied)
    return std::move(applied.error()).within("set up " + interface_name_);
  return {};
}

void ClientSupervisor::take_interface_down()
{
  link_.reset();
  if (auto restored = routes_->restore(); !restored)
    log_->error("network: {}", restored.error().message());
  interface_name_.clear();
  post_to_worker([](io::ClientWorker& worker) { worker.detach_tun(); });
}

// Somebody deleted the interface. Its routes went with it; the unreachable ones below them stay,
// so nothing leaks until it is there again.
void ClientSupervisor::replace_tun(const Error& reason)
{
  if (interface_name_.empty()) return;  // we took it down ourselves
  log_->warn("network: interface={} was lost ({}), making a new one", interface_name_,
             reason.message());
  interface_name_.clear();
  if (!link_) return;  // the next link brings one up
  if (auto configured = configure_interface(); !configured && link_id_) {
    post_to_worker([](io::ClientWorker& worker) { worker.drop_link(); });
    handle(tunnel::LinkLost{*link_id_, std::move(configured.error())});
  }
}

// ---- Life -----------------------------------------------------------------------------------

void ClientSupervisor::change_config(const config::Config& config)
{
  config_ = config;
}

asio::awaitable<void> ClientSupervisor::stop()
{
  handle(tunnel::StopRequested{});
  // The machine ends every drain by its own deadline; wait for it here.
  while (std::holds_alternative<tunnel::Closing>(fsm_.state())) {
    asio::steady_timer pause{control_, std::chrono::milliseconds(5)};
    [[maybe_unused]] const auto [ec] = co_await pause.async_wait(with_ec);
  }
  tasks_.cancel();
  co_await tasks_.join();
  co_await asio::co_spawn(thread_.executor(), worker_->stop(), asio::use_awaitable);
  stopped_ = true;
}

}  // namespace slopn::daemon
