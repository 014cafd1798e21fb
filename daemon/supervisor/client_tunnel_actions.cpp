// How the client's supervisor performs what its machine decides: links, the interface, the host's
// network; and how the worker's news come back.

#include <spdlog/logger.h>

#include <boost/asio/post.hpp>

#include "daemon/supervisor/client_supervisor.hpp"
#include "daemon/supervisor/data_path_options.hpp"
#include "daemon/supervisor/profile_link.hpp"
#include "libtunnel/base/overloaded.hpp"
#include "platform/tun_device.hpp"

namespace slopn::daemon {

void ClientSupervisor::perform(const tunnel::Action& action)
{
  std::visit(
      Overloaded{
          [&](const tunnel::StartLink& start) { begin_link(start.id); },
          [&](const tunnel::ConfigureInterface& wanted) { configure_for(wanted.id); },
          [&](const tunnel::DropLink&) { drop_link(); },
          [&](const tunnel::StartDrain& drain) {
            link_id_.reset();
            finder_.cancel();
            post_to_worker([id = drain.id](io::ClientWorker& worker) { worker.drain_link(id); });
          },
          [&](const tunnel::BlockTraffic&) { change_network(&ClientSupervisor::block_traffic); },
          [&](const tunnel::OpenTraffic&) { change_network(&ClientSupervisor::open_traffic); },
      },
      action);
}

// ---- Links ----------------------------------------------------------------------------------

void ClientSupervisor::begin_link(tunnel::LinkId id)
{
  link_id_ = id;
  link_.reset();
  counters_.last_heard.reset();
  candidates_.clear();
  follow({});
  trying_gateway_ = profile_->gateways.size() == 1 ? profile_->gateways[0].to_string() : "";
  auto order = make_link_order(config_, *profile_, id);
  if (!order) return handle(tunnel::LinkLost{id, std::move(order.error())});
  post_to_worker([order = std::move(*order)](io::ClientWorker& worker) mutable {
    worker.start_link(std::move(order));
  });
  const Names names = fsm_.guard() == tunnel::Guard::open ? Names::ask : Names::remember;
  finder_.search(profile_->gateways, names,
                 [this, id](const GatewayFinder::News& news) { take_addresses(id, news); });
}

void ClientSupervisor::take_addresses(tunnel::LinkId id, const GatewayFinder::News& news)
{
  if (link_id_ != id) return;
  for (const RaceCandidate& candidate : news.candidates)
    candidates_.push_back(candidate.endpoint.address);
  if (!link_) follow(candidates_);
  post_to_worker([id, news](io::ClientWorker& worker) {
    worker.add_candidates(id, news.candidates);
    if (news.complete) worker.close_candidates(id, news.missing);
  });
}

void ClientSupervisor::drop_link()
{
  link_id_.reset();
  finder_.cancel();
  post_to_worker([](io::ClientWorker& worker) { worker.drop_link(); });
}

// For a start under lockdown, when DNS cannot be asked.
void ClientSupervisor::remember_addresses()
{
  if (finder_.known() == stored_addresses_) return;
  stored_addresses_ = finder_.known();
  if (auto saved = address_store_.save(stored_addresses_); !saved)
    log_->warn("gateways: {}", saved.error().message());
}

// ---- News from the worker -------------------------------------------------------------------

void ClientSupervisor::on_link_progress(tunnel::LinkId id, tunnel::Phase phase, std::string gateway)
{
  asio::post(control_, [this, id, phase, gateway = std::move(gateway)]() mutable {
    take_progress(id, phase, std::move(gateway));
  });
}

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
    // The waits between tries are for gateways that do not answer, not for a host that moves.
    if (network_watch_.take_recent_change()) on_network_changed(true);
  });
}

void ClientSupervisor::on_link_moved(UdpEndpoint local, UdpEndpoint remote)
{
  asio::post(control_, [this, local, remote] {
    event_sink_->publish(PathChanged{local.to_string(), remote.to_string()});
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

void ClientSupervisor::take_progress(tunnel::LinkId id, tunnel::Phase phase, std::string gateway)
{
  if (link_id_ != id) return;
  trying_gateway_ = std::move(gateway);
  handle(tunnel::LinkProgressed{id, phase});
}

void ClientSupervisor::take_link_facts(tunnel::LinkId id, io::LinkFacts facts)
{
  if (link_id_ != id) return;  // of a link that was given up meanwhile
  const bool first = !link_;
  link_ = std::move(facts);
  finder_.cancel();
  if (first) follow({link_->gateway.address});
  if (first) return handle(tunnel::LinkUp{id});
  if (auto configured = configure_interface(); !configured) {
    drop_link();
    return handle(tunnel::LinkLost{id, std::move(configured.error())});
  }
  tell_watchers();
}

// ---- News from the host ---------------------------------------------------------------------

// What there was no way to before may not be what is wanted now.
void ClientSupervisor::follow(std::vector<IpAddress> gateways)
{
  network_watch_.follow(std::move(gateways), config_.client.fwmark);
  if (network_watch_.has_way()) on_network_changed(true);
}

void ClientSupervisor::on_way_found(const platform::LocalPath& path)
{
  event_sink_->publish(NetworkChanged{
      "the gateway is reached from " + path.address.to_string() + " by " + path.interface_name,
      true});
  post_to_worker([](io::ClientWorker& worker) { worker.change_path(); });
  on_network_changed(true);
}

void ClientSupervisor::on_way_lost()
{
  event_sink_->publish(NetworkChanged{"there is no way to the gateway", false});
  post_to_worker([](io::ClientWorker& worker) { worker.lose_way(); });
  on_network_changed(false);
}

void ClientSupervisor::on_falling_asleep()
{
  on_suspended();
}

void ClientSupervisor::on_woke_up()
{
  post_to_worker([](io::ClientWorker& worker) { worker.doubt_path(); });
  on_resumed();
}

void ClientSupervisor::on_clock_jumped(std::chrono::milliseconds by, bool slept)
{
  event_sink_->publish(ClockJumped{by, slept});
}

// ---- The host's network ---------------------------------------------------------------------

void ClientSupervisor::configure_for(tunnel::LinkId id)
{
  if (auto configured = configure_interface(); !configured) {
    drop_link();
    return handle(tunnel::LinkLost{id, std::move(configured.error())});
  }
  connected_since_ = WallClock::now();
  handle(tunnel::InterfaceUp{id});
  remember_addresses();
  log_->info("tunnel: up gateway={} interface={} mtu_bytes={} cipher={} group={}",
             link_->gateway_name, interface_name_, link_->parameters.mtu_bytes,
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
  routed_ = link_->parameters;
  return apply_plan(plan_now());
}

void ClientSupervisor::change_network(Result<> (ClientSupervisor::*change)())
{
  network_trouble_.reset();
  if (auto changed = (this->*change)(); !changed) {
    log_->error("network: {}", changed.error().message());
    network_trouble_ = std::move(changed.error());
  }
  interface_name_.clear();
  routed_.reset();
  plan_ = {};
  post_to_worker([](io::ClientWorker& worker) { worker.detach_tun(); });
}

Result<> ClientSupervisor::block_traffic()
{
  return network_.block(
      config_.client,
      plan_routes({.exclude = settings_.current().split_exclude, .lan = reachable_lan()}).outside);
}

Result<> ClientSupervisor::open_traffic()
{
  return network_.open();
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
    const tunnel::LinkId id = *link_id_;
    drop_link();
    handle(tunnel::LinkLost{id, std::move(configured.error())});
  }
}

}  // namespace slopn::daemon
