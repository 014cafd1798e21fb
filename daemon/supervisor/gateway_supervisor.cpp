#include "daemon/supervisor/gateway_supervisor.hpp"

#include <spdlog/logger.h>

#include <algorithm>

#include "daemon/config/profile.hpp"
#include "daemon/supervisor/data_path_options.hpp"
#include "daemon/supervisor/diagnosis_subject.hpp"
#include "daemon/supervisor/gateway_options.hpp"
#include "daemon/supervisor/report.hpp"
#include "libtunnel/base/file.hpp"
#include "libtunnel/io/reuse_port.hpp"
#include "platform/tun_queues.hpp"

namespace slopn::daemon {
namespace {

// A burst of new clients becomes one write.
constexpr auto kLeaseWriteInterval = std::chrono::seconds(1);
constexpr mode_t kStateDirMode = 0700;
constexpr std::size_t kAddressesPerClient = 2;  // one of each family

std::string gateway_name(const config::GatewayConfig& config)
{
  if (!config.hostnames.empty()) return config.hostnames.front();
  if (config.public_endpoint) return config.public_endpoint->host;
  return "localhost";
}

Result<crypto::Identity> load_identity(const config::Config& config)
{
  const config::TlsConfig& tls = config.gateway.tls;
  if (!tls.certificate.empty()) return crypto::load_identity(tls.certificate, tls.private_key);
  return crypto::load_or_make_identity(config.state_dir, gateway_name(config.gateway));
}

bool asks_for_certificates(const config::AuthConfig& auth)
{
  return std::ranges::any_of(auth.clients, [](const config::KnownClient& client) {
    return std::holds_alternative<crypto::SpkiPin>(client.identity);
  });
}

bool matches(const io::SessionReport& session, const std::string& who)
{
  return who == std::to_string(static_cast<std::uint64_t>(session.id)) ||
         who == session.visitor.client || who == identity_of(session.visitor) ||
         std::ranges::any_of(session.addresses, [&](const IpPrefix& address) {
           return who == address.address().to_string();
         });
}

}  // namespace

Result<std::unique_ptr<GatewaySupervisor>> GatewaySupervisor::start(
    asio::any_io_executor control, config::Config config, std::shared_ptr<spdlog::logger> log)
{
  if (auto made = make_private_dir(config.state_dir, kStateDirMode); !made) return made.error();
  auto book = AddressBook::open(config.gateway.pools, config.state_dir / "leases", *log);
  if (!book) return book.error();
  auto invited = config::ClientRegistry::open(config.state_dir / "clients.toml");
  if (!invited) return invited.error();
  if (invited->damage) log->error("clients: {}", invited->damage->message());

  std::unique_ptr<GatewaySupervisor> made{new GatewaySupervisor{
      control, std::move(config), std::move(*book), std::move(invited->registry), std::move(log)}};
  if (auto opened = made->open(); !opened) return opened.error();
  return made;
}

GatewaySupervisor::GatewaySupervisor(asio::any_io_executor control, config::Config config,
                                     AddressBook book, config::ClientRegistry invited,
                                     std::shared_ptr<spdlog::logger> log)
    : control_(control),
      config_(std::move(config)),
      book_(std::move(book)),
      invited_(std::move(invited)),
      log_(std::move(log)),
      tasks_(control)
{
}

// Without `stop()`, as after a start that failed.
GatewaySupervisor::~GatewaySupervisor()
{
  if (stopped_) return;
  workers_.reset();
  restore_network();
}

Result<> GatewaySupervisor::open()
{
  if (auto done = open_workers(); !done) return done;
  if (auto done = open_network(); !done) return done;
  warn_about_rules();
  tasks_.spawn(keep_leases());
  log_->info("gateway: serving interface={} workers={} certificate_pin={} clients={}",
             interface_name_, workers_->count(), pin_.to_string(),
             config_.gateway.auth.clients.size() + invited_.clients().size());
  return {};
}

Result<> GatewaySupervisor::open_workers()
{
  auto identity = load_identity(config_);
  if (!identity) return std::move(identity.error()).within("gateway certificate");
  auto pin = crypto::spki_pin(identity->certificate_pem);
  if (!pin) return pin.error();
  pin_ = *pin;
  auto secret = load_or_make_reset_secret(config_.state_dir / "reset.secret");
  if (!secret) return secret.error();
  reset_secret_ = *secret;
  auto tls = quic::TlsContext::for_server(
      {std::move(*identity), asks_for_certificates(config_.gateway.auth)});
  if (!tls) return tls.error();
  auto rules = admission_rules(config_.gateway, invited_.clients());
  if (!rules) return std::move(rules.error()).within("gateway.auth.client");

  std::size_t count = worker_count(config_.gateway);
  if (const auto steers = count > 1 ? io::probe_port_steering() : Result<>{}; !steers) {
    log_->warn("gateway: {}; one worker serves all clients", steers.error().message());
    count = 1;
  }
  auto workers = GatewayWorkers::start(
      control_,
      {count, endpoint_options(config_, book_.gateway_addresses(), reset_secret_),
       std::move(*rules), std::move(*tls), config_.gateway.listen, socket_options(config_, 0)},
      static_cast<GatewayWorkersListener&>(*this));
  if (!workers) return workers.error();
  workers_ = std::move(*workers);
  return {};
}

Result<> GatewaySupervisor::open_network()
{
  auto routes = platform::make_route_manager(
      {.state_dir = config_.state_dir, .routing_protocol = platform::kGatewayRoutingProtocol});
  if (!routes) return routes.error();
  routes_ = std::move(*routes);
  auto firewall = platform::make_firewall(config_.state_dir);
  if (!firewall) return firewall.error();
  firewall_ = std::move(*firewall);
  if (auto restored = routes_->restore(); !restored)
    return std::move(restored.error()).within("clean up after an earlier run");
  return take_new_tun();
}

// A TUN with its addresses and rules; also when somebody deleted the last one.
Result<> GatewaySupervisor::take_new_tun()
{
  const bool steer = config_.gateway.tun_steering == config::TunSteering::automatic;
  auto tun = platform::open_tun_queues(
      workers_->executors(),
      {.name_template = config_.gateway.interface_name,
       .mtu_bytes = config_.gateway.max_mtu_bytes,
       .offloads = tun_offloads(config_.offload)},
      steer ? kAddressesPerClient * config_.gateway.limits.max_sessions : 0);
  if (!tun) return tun.error();
  if (tun->steering_refused)
    log_->info("gateway: {}; workers hand packets to each other instead",
               tun->steering_refused->message());
  interface_name_ = tun->devices.front()->name();
  offer_measurement();
  // The rules come first: nothing is forwarded before they judge it.
  if (auto applied = firewall_->apply(
          gateway_rules(config_.gateway, interface_name_, measurement_endpoints()));
      !applied)
    return std::move(applied.error()).within("set up the firewall");
  if (auto applied = routes_->apply({.interface_name = interface_name_,
                                     .mtu_bytes = config_.gateway.max_mtu_bytes,
                                     .addresses = book_.gateway_addresses(),
                                     .policy = std::nullopt});
      !applied)
    return std::move(applied.error()).within("set up " + interface_name_);
  workers_->attach_tun(std::move(*tun));
  return {};
}

// Where clients measure their tunnel. A gateway that cannot have it is a gateway all the same.
void GatewaySupervisor::offer_measurement()
{
  measure_.reset();  // it was bound to the interface of before
  if (!config_.gateway.speedtest) return;
  measure::MeasureOptions options{interface_name_, {}, config_.gateway.speedtest_port};
  for (const IpInterfaceAddress& own : book_.gateway_addresses())
    options.addresses.push_back(own.address);
  auto started = measure::MeasureService::start(options);
  if (!started) return log_->warn("gateway: clients cannot measure: {}", started.error().message());
  measure_ = std::move(*started);
}

std::vector<UdpEndpoint> GatewaySupervisor::measurement_endpoints() const
{
  return measure_ ? measure_->endpoints() : std::vector<UdpEndpoint>{};
}

// ---- Calls ----------------------------------------------------------------------------------

Status GatewaySupervisor::status() const
{
  GatewayStatus status;
  status.listening = config_.gateway.listen;
  status.interface_name = interface_name_;
  status.mtu_bytes = config_.gateway.max_mtu_bytes;
  status.certificate_pin = pin_.to_string();
  status.pools = config_.gateway.pools;
  status.sessions = admitted_.size();
  status.anonymous_allowed = config_.gateway.auth.anonymous;
  status.traffic = to_traffic(report_.traffic);
  return status;
}

void GatewaySupervisor::refresh_status(std::function<void()> done)
{
  workers_->report([this, done = std::move(done)](io::GatewayReport report) {
    report_ = std::move(report);
    done();
  });
}

void GatewaySupervisor::diagnose(DiagnosisReply reply)
{
  doctor_.look(gateway_diagnosis_subject(config_), std::move(reply));
}

std::vector<SessionInfo> GatewaySupervisor::to_infos(const io::GatewayReport& report) const
{
  std::vector<SessionInfo> infos;
  for (const io::SessionReport& session : report.sessions) {
    SessionInfo info;
    info.id = static_cast<std::uint64_t>(session.id);
    info.client = session.visitor.client;
    info.identity = identity_of(session.visitor);
    info.remote = session.visitor.remote;
    for (const IpPrefix& address : session.addresses)
      info.addresses.push_back({address.address(), address.length_bits()});
    const auto admitted = admitted_.find(session.id);
    if (admitted != admitted_.end()) info.since = admitted->second;
    info.smoothed_rtt = session.smoothed_rtt;
    info.traffic = to_traffic(session.traffic);
    infos.push_back(std::move(info));
  }
  std::ranges::stable_sort(infos, {}, &SessionInfo::since);  // over all workers
  return infos;
}

void GatewaySupervisor::list_sessions(SessionsReply reply) const
{
  workers_->report([this, reply = std::move(reply)](const io::GatewayReport& report) {
    reply(to_infos(report));
  });
}

void GatewaySupervisor::kick_sessions(const std::string& who, const Caller&,
                                      std::function<void(Result<std::uint32_t>)> reply)
{
  workers_->kick([who](const io::SessionReport& session) { return matches(session, who); },
                 [who, reply = std::move(reply)](std::uint32_t kicked) {
                   if (kicked == 0) return reply(fail(Errc::not_found, "session " + who));
                   reply(kicked);
                 });
}

Result<Invitation> GatewaySupervisor::invite(const InviteOrder& order, const Caller&)
{
  auto endpoint = config_.gateway.public_endpoint;
  if (!order.endpoint.empty()) {
    endpoint = config::HostPort::parse(order.endpoint, config_.gateway.listen.front().port);
    if (!endpoint) return fail(Errc::invalid_argument, "endpoint " + order.endpoint);
  }
  if (!endpoint)
    return fail(Errc::invalid_argument,
                "nobody has said how clients reach this gateway: set gateway.public_endpoint, or "
                "say --endpoint HOST[:PORT]");

  config::Profile profile;
  profile.name = config::is_valid_profile_name(endpoint->host) ? endpoint->host : order.name;
  profile.gateways = {*endpoint};
  profile.trust = config::PinnedKeys{{pin_}};
  profile.auth = config::NoAuth{};
  crypto::PublicKey client_key;
  if (order.public_key.empty()) {
    const crypto::KeyPair key = crypto::KeyPair::generate();
    client_key = key.public_key();
    profile.auth = config::ConcealedAuth{key};
  } else if (const auto given = crypto::PublicKey::parse(order.public_key)) {
    client_key = *given;
  } else {
    return fail(Errc::invalid_argument, "public key; slopnctl keygen prints one");
  }
  auto uri = config::format_uri(profile);
  if (!uri) return uri.error();
  const auto now = std::chrono::floor<std::chrono::seconds>(WallClock::now());
  if (auto added = invited_.add({order.name, client_key, now}); !added) return added.error();
  publish_rules();
  return Invitation{uri->reveal(), client_key.to_string()};
}

// ---- Admission ------------------------------------------------------------------------------

void GatewaySupervisor::on_admission_wanted(session::SessionId id, const session::Visitor& visitor)
{
  auto addresses = book_.lease(visitor);
  if (!addresses) {
    log_->warn("gateway: client={} refused: {}", visitor.client, addresses.error().message());
    return workers_->refuse(id, "no inner address is left");
  }
  if (is_full(*addresses)) {
    log_->warn("gateway: client={} refused: gateway.limits.max_sessions={} are here already",
               visitor.client, config_.gateway.limits.max_sessions);
    book_.release(*addresses);
    return workers_->refuse(id, "the gateway is full");
  }
  admitted_.emplace(id, WallClock::now());
  log_->info("gateway: client={} session={} came", visitor.client, static_cast<std::uint64_t>(id));
  const session::Admission admission{
      std::move(*addresses), advertised_routes(config_.gateway.routes), {measurement_endpoints()}};
  workers_->admit(id, admission, [this, id, admission, name = visitor.client](bool admitted) {
    if (!admitted) return take_back(admission, id);  // it went away while we thought about it
    events_->publish(SessionChanged{static_cast<std::uint64_t>(id), name, false, {}});
  });
}

// Somebody who comes back takes the place of the earlier session.
bool GatewaySupervisor::is_full(const std::vector<IpPrefix>& addresses) const
{
  return admitted_.size() >= config_.gateway.limits.max_sessions && !workers_->serves(addresses);
}

void GatewaySupervisor::take_back(const session::Admission& admission, session::SessionId id)
{
  book_.release(admission.addresses);
  admitted_.erase(id);
}

void GatewaySupervisor::on_session_over(session::SessionId id, const session::Visitor& visitor,
                                        const session::Admission& admission, const Error& reason)
{
  take_back(admission, id);
  log_->info("gateway: client={} session={} left reason=\"{}\"", visitor.client,
             static_cast<std::uint64_t>(id), reason.message());
  events_->publish(
      SessionChanged{static_cast<std::uint64_t>(id), visitor.client, true, reason.message()});
}

void GatewaySupervisor::publish_rules()
{
  auto rules = admission_rules(config_.gateway, invited_.clients());
  if (!rules)
    return log_->error("gateway: {}; the rules stay as they were", rules.error().message());
  workers_->change_rules(*rules);
}

void GatewaySupervisor::warn_about_rules() const
{
  if (config_.gateway.auth.anonymous)
    log_->warn("gateway: gateway.auth.anonymous is on: ANYBODY may use this gateway");
  else if (config_.gateway.auth.clients.empty() && invited_.clients().empty())
    log_->warn("gateway: no client is known yet; slopnctl gateway invite NAME adds one");
}

void GatewaySupervisor::on_tun_lost(const Error& reason)
{
  log_->warn("network: interface={} was lost ({}), making a new one", interface_name_,
             reason.message());
  if (auto taken = take_new_tun(); !taken)
    log_->error("network: {}; restart slopnd", taken.error().message());
}

// ---- Life -----------------------------------------------------------------------------------

asio::awaitable<void> GatewaySupervisor::keep_leases()
{
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::steady_timer timer{control_};
  for (;;) {
    timer.expires_after(kLeaseWriteInterval);
    [[maybe_unused]] const auto [ec] = co_await timer.async_wait(with_ec);
    const bool stop = co_await stop_requested();
    if (stop) co_return;
    if (!book_.changed()) continue;
    if (auto saved = book_.save(); !saved) log_->error("leases: {}", saved.error().message());
  }
}

void GatewaySupervisor::change_config(const config::Config& config)
{
  if (asks_for_certificates(config.gateway.auth) && !asks_for_certificates(config_.gateway.auth))
    log_->warn("gateway: clients with certificates can come in after the next start");
  config_ = config;
  warn_about_rules();
  publish_rules();
  workers_->change_options(endpoint_options(config_, book_.gateway_addresses(), reset_secret_));
}

void GatewaySupervisor::restore_network()
{
  if (firewall_) {
    if (auto restored = firewall_->restore(); !restored)
      log_->error("firewall: {}", restored.error().message());
  }
  if (routes_) {
    if (auto restored = routes_->restore(); !restored)
      log_->error("network: {}", restored.error().message());
  }
}

asio::awaitable<void> GatewaySupervisor::stop()
{
  tasks_.cancel();
  co_await tasks_.join();
  co_await workers_->stop();
  measure_.reset();
  stopped_ = true;
  restore_network();
  if (auto saved = book_.save(); !saved) log_->error("leases: {}", saved.error().message());
}

}  // namespace slopn::daemon
