#include "libtunnel/io/client_worker.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <utility>

namespace slopn::io {

// One try to connect and, if it succeeds, the tunnel. Kept until its coroutines have ended.
struct ClientWorker::Try {
  Try(asio::any_io_executor executor, LinkOrder taken)
      : order(std::make_shared<const LinkOrder>(std::move(taken))), alarm(executor), tasks(executor)
  {
  }

  [[nodiscard]] std::optional<RacePlan::Runner> runner_of(const ClientLink& link) const
  {
    const auto found = std::ranges::find_if(
        runners, [&](const auto& running) { return running.second.get() == &link; });
    if (found == runners.end()) return std::nullopt;
    return found->first;
  }

  // Shared with links that are buried one by one, and need its TLS contexts until then.
  std::shared_ptr<const LinkOrder> order;
  RacePlan plan;
  std::vector<std::pair<RacePlan::Runner, std::unique_ptr<ClientLink>>> runners;
  std::optional<std::pair<tunnel::Phase, std::string>> told;  // the last progress
  ClientLink* carrier = nullptr;  // the winner, once it may carry packets
  Alarm alarm;
  TaskGroup tasks;
};

ClientWorker::ClientWorker(asio::any_io_executor executor, ClientWorkerListener& listener)
    : executor_(executor), listener_(listener), burials_(executor)
{
}

ClientWorker::~ClientWorker() = default;

// ---- The race -------------------------------------------------------------------------------

void ClientWorker::start_link(LinkOrder order)
{
  end_link();
  try_ = std::make_unique<Try>(executor_, std::move(order));
  try_->tasks.spawn(keep_race_time(*try_));
}

void ClientWorker::add_candidates(tunnel::LinkId id, const std::vector<RaceCandidate>& candidates)
{
  if (!try_ || try_->order->id != id) return;
  try_->plan.add(candidates);
  race_on();
}

void ClientWorker::close_candidates(tunnel::LinkId id, const std::vector<Error>& why_missing)
{
  if (!try_ || try_->order->id != id) return;
  for (const Error& reason : why_missing) try_->plan.note_failure(reason);
  try_->plan.close();
  race_on();
}

asio::awaitable<void> ClientWorker::keep_race_time(Try& race)
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const bool rang = co_await race.alarm.wait();
    if (!rang || try_.get() != &race) co_return;
    race_on();
  }
}

// Starts whoever is due, and sees whether there is anybody left.
void ClientWorker::race_on()
{
  if (const auto late = try_->plan.overdue(Clock::now())) {
    remove(*late);
    try_->plan.on_failed(*late, fail(Errc::timed_out, "tunnel"), Clock::now());
  }
  while (const auto runner = try_->plan.start_next(Clock::now())) start_runner(*runner);
  try_->alarm.set(try_->plan.next_deadline().value_or(Clock::time_point::max()));
  if (try_->plan.winner()) return;
  if (try_->plan.lost()) {
    const tunnel::LinkId id = try_->order->id;
    Error reason = try_->plan.reason();
    end_link();
    return listener_.on_link_lost(id, std::move(reason));
  }
  const std::string only = try_->order->gateways.size() == 1 ? try_->order->gateways[0].name : "";
  std::pair now{tunnel::Phase::handshaking, only};
  if (try_->runners.empty() || try_->told == now) return;
  try_->told = now;
  listener_.on_link_progress(try_->order->id, now.first, only);
}

void ClientWorker::start_runner(RacePlan::Runner runner)
{
  const RaceCandidate& candidate = try_->plan.candidate(runner);
  const LinkGateway& gateway = try_->order->gateways[candidate.gateway];
  auto link = ClientLink::start(
      executor_, {candidate.endpoint, try_->order->socket, gateway.tls, gateway.session},
      static_cast<ClientLinkListener&>(*this));
  if (!link) return try_->plan.on_failed(runner, std::move(link.error()), Clock::now());
  try_->runners.emplace_back(runner, std::move(*link));
}

void ClientWorker::win(RacePlan::Runner runner)
{
  for (const RacePlan::Runner loser : try_->plan.on_won(runner, Clock::now())) remove(loser);
  try_->alarm.set(try_->plan.next_deadline().value_or(Clock::time_point::max()));
}

// Takes leave of it.
void ClientWorker::remove(RacePlan::Runner runner)
{
  const auto found =
      std::ranges::find(try_->runners, runner, [](const auto& r) { return r.first; });
  std::unique_ptr<ClientLink> link = std::move(found->second);
  try_->runners.erase(found);
  link->close();
  bury_runner(std::move(link));
}

void ClientWorker::on_phase(ClientLink& link, tunnel::Phase phase)
{
  const auto runner = try_->runner_of(link);
  if (!try_->plan.winner()) win(*runner);
  std::string name = try_->order->gateways[try_->plan.candidate(*runner).gateway].name;
  try_->told = {phase, name};
  listener_.on_link_progress(try_->order->id, phase, std::move(name));
}

void ClientWorker::on_lost(ClientLink& link, Error reason)
{
  to_host_.flush();
  const auto found = std::ranges::find_if(
      try_->runners, [&](const auto& running) { return running.second.get() == &link; });
  const RacePlan::Runner runner = found->first;
  std::unique_ptr<ClientLink> dead = std::move(found->second);
  try_->runners.erase(found);
  const bool carried = std::exchange(try_->carrier, nullptr) == &link;
  bury_runner(std::move(dead));
  if (carried) {  // there was a tunnel: the next one is a new try
    const tunnel::LinkId id = try_->order->id;
    end_link();
    return listener_.on_link_lost(id, std::move(reason));
  }
  try_->plan.on_failed(runner, std::move(reason), Clock::now());
  race_on();
}

// ---- The link -------------------------------------------------------------------------------

void ClientWorker::drop_link()
{
  end_link();
}

void ClientWorker::drain_link(tunnel::LinkId id)
{
  if (try_ && try_->order->id == id) {
    for (const auto& [runner, link] : try_->runners) link->close();
    end_link();
  }
  listener_.on_link_drained(id);
}

void ClientWorker::change_path()
{
  if (!try_) return;
  if (ClientLink* const link = carrier()) {
    ++moves_;
    link->move();
    if (carrier() == link) listener_.on_link_moved(link->local(), link->gateway());
    return;
  }
  const tunnel::LinkId id = try_->order->id;
  end_link();
  listener_.on_link_lost(id, fail(Errc::unreachable, "the network changed while connecting"));
}

void ClientWorker::lose_way()
{
  if (ClientLink* const link = carrier()) link->lose_way();
}

void ClientWorker::doubt_path()
{
  if (ClientLink* const link = carrier()) link->doubt();
}

void ClientWorker::end_link()
{
  if (!try_) return;
  try_->carrier = nullptr;
  for (auto& [runner, link] : try_->runners) bury_runner(std::move(link));
  try_->runners.clear();
  try_->tasks.cancel();
  burials_.spawn(bury(std::move(try_)));
  // What the host had waiting for this link is offered again, and dropped.
  if (pump_) pump_->resume();
}

void ClientWorker::bury_runner(std::unique_ptr<ClientLink> link)
{
  past_ += link->session().counters();
  link->stop();
  burials_.spawn(bury(try_->order, std::move(link)));
}

asio::awaitable<void> ClientWorker::bury(std::unique_ptr<Try> over)
{
  co_await over->tasks.join();
}

// `order` is held for as long as the link needs it.
asio::awaitable<void> ClientWorker::bury([[maybe_unused]] std::shared_ptr<const LinkOrder> order,
                                         std::unique_ptr<ClientLink> link)
{
  co_await link->bury();
  link.reset();
}

asio::awaitable<void> ClientWorker::bury(std::unique_ptr<TunPump> pump)
{
  co_await pump->stop();
}

void ClientWorker::attach_tun(std::unique_ptr<platform::TunDevice> device)
{
  detach_tun();
  to_host_.attach(device.get());
  pump_ =
      std::make_unique<TunPump>(executor_, std::move(device), static_cast<InnerHandler&>(*this));
}

void ClientWorker::detach_tun()
{
  to_host_.attach(nullptr);
  if (pump_) burials_.spawn(bury(std::move(pump_)));
}

asio::awaitable<void> ClientWorker::stop()
{
  end_link();
  detach_tun();
  co_await burials_.join();  // a coroutine: what is above belongs on our executor too
}

ClientLink* ClientWorker::carrier() const noexcept
{
  return try_ ? try_->carrier : nullptr;
}

ClientCounters ClientWorker::counters() const
{
  ClientCounters counters;
  counters.traffic = past_;
  counters.moves = moves_;
  if (const ClientLink* link = carrier()) {
    counters.traffic += link->session().counters();
    counters.smoothed_rtt = link->session().path_facts().smoothed_rtt;
    counters.last_heard = link->session().last_heard();
  }
  counters.traffic.drops.count(DropReason::tun_full, to_host_.dropped_packets());
  return counters;
}

void ClientWorker::on_configured(ClientLink& link, const session::TunnelParameters& parameters)
{
  try_->carrier = &link;
  try_->plan.on_settled();
  try_->alarm.set(Clock::time_point::max());
  const RaceCandidate& candidate = try_->plan.candidate(*try_->plan.winner());
  listener_.on_link_configured(try_->order->id,
                               {try_->order->gateways[candidate.gateway].name, link.gateway(),
                                link.session().handshake_facts(), parameters});
}

// ---- Packets --------------------------------------------------------------------------------

void ClientWorker::on_inner_packet(ByteView packet)
{
  to_host_.push(packet);
}

void ClientWorker::on_activity(ClientLink&)
{
  to_host_.flush();
  if (pump_ && pump_->waiting() && wants_inner_packets()) pump_->resume();
}

void ClientWorker::on_inner_packets(std::span<const HostPacket> packets)
{
  ClientLink* const link = carrier();
  if (link == nullptr) return past_.drops.count(DropReason::tunnel_down, packets.size());
  link->send(packets, Clock::now());
}

// Without a link they are wanted too: lost here, instead of going out late.
bool ClientWorker::wants_inner_packets() const
{
  const ClientLink* const link = carrier();
  return link == nullptr || link->session().wants_packets();
}

void ClientWorker::on_inner_pause()
{
  if (ClientLink* const link = carrier()) link->on_inner_pause();
}

void ClientWorker::on_tun_lost(Error reason)
{
  listener_.on_tun_lost(std::move(reason));
}

}  // namespace slopn::io
