// The tunnel's machine and a real tunnel together, in virtual time.

#include <catch2/catch_test_macros.hpp>

#include "libtunnel/base/overloaded.hpp"
#include "libtunnel/core/tunnel_fsm.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

// Does what `TunnelFsm` says, as the client's supervisor and worker do.
class DrivenClient {
 public:
  DrivenClient(SimulatedNetwork& network, ClientSetup setup)
      : network_(network), setup_(std::move(setup))
  {
  }

  tunnel::Guard guard = tunnel::Guard::open;

  void tell(const tunnel::Event& event)
  {
    for (const tunnel::Action& action : fsm_.on_event(event, network_.now())) perform(action);
  }

  template <class S>
  [[nodiscard]] bool in() const
  {
    return std::holds_alternative<S>(fsm_.state());
  }
  [[nodiscard]] const TunnelFsm& fsm() const { return fsm_; }

  void run_for(Clock::duration duration)
  {
    for (const auto end = network_.now() + duration; network_.now() < end;) {
      network_.run_for(1ms);
      look();
    }
  }

 private:
  void look()
  {
    if (const auto deadline = fsm_.next_deadline(); deadline && *deadline <= network_.now())
      tell(tunnel::TimeAdvanced{});
    if (!host_) return;
    if (host_->closed()) {
      const Error reason = host_->session().close_reason();
      host_.reset();
      if (draining_) return tell(tunnel::DrainDone{id_});
      return tell(tunnel::LinkLost{id_, reason});
    }
    if (host_->online() && in<tunnel::Connecting>()) tell(tunnel::LinkUp{id_});
  }

  void perform(const tunnel::Action& action)
  {
    std::visit(Overloaded{
                   [&](const tunnel::StartLink& start) {
                     id_ = start.id;
                     draining_ = false;
                     host_.reset();
                     host_ = std::make_unique<ClientHost>(network_, setup_);
                   },
                   [&](const tunnel::ConfigureInterface& wanted) {
                     guard = tunnel::Guard::tunnel;
                     tell(tunnel::InterfaceUp{wanted.id});
                   },
                   [&](const tunnel::DropLink&) { host_.reset(); },
                   [&](const tunnel::StartDrain&) {
                     draining_ = true;
                     host_->close();
                   },
                   [&](const tunnel::BlockTraffic&) { guard = tunnel::Guard::blocked; },
                   [&](const tunnel::OpenTraffic&) { guard = tunnel::Guard::open; },
               },
               action);
  }

  SimulatedNetwork& network_;
  ClientSetup setup_;
  TunnelFsm fsm_{RetryPolicy{}, 1};
  std::unique_ptr<ClientHost> host_;
  tunnel::LinkId id_{};
  bool draining_ = false;
};

}  // namespace

TEST_CASE("states: a connection that nobody confirms is taken back, and the gateway hears of it",
          "[sim][states]")
{
  TunnelScene scene;
  DrivenClient client{scene.network, scene.client_setup};
  client.tell(tunnel::ConnectRequested{5s});
  client.run_for(1s);
  REQUIRE(client.in<tunnel::Connected>());
  CHECK(client.guard == tunnel::Guard::tunnel);
  CHECK(scene.gateway->sessions().size() == 1);

  client.run_for(5s);
  REQUIRE(client.in<tunnel::Disconnected>());
  CHECK(std::get<tunnel::Disconnected>(client.fsm().state()).reason);
  CHECK(client.guard == tunnel::Guard::open);
  CHECK(scene.gateway->sessions().empty());
}

TEST_CASE("states: a connection that is confirmed stays", "[sim][states]")
{
  TunnelScene scene;
  DrivenClient client{scene.network, scene.client_setup};
  client.tell(tunnel::ConnectRequested{5s});
  client.run_for(4s);
  client.tell(tunnel::ConnectionConfirmed{});
  client.run_for(1min);
  CHECK(client.in<tunnel::Connected>());
  CHECK(scene.gateway->sessions().size() == 1);
}

TEST_CASE("states: a gateway that never answers costs no more than the time to confirm",
          "[sim][states]")
{
  TunnelScene scene;
  DrivenClient client{scene.network, scene.client_setup};
  client.tell(tunnel::ConnectRequested{5s});
  client.run_for(1s);
  scene.network.shape(scene.client_setup.address, {.loss = 1});
  client.run_for(4s + 10ms + RetryPolicy{}.drain_timeout);
  CHECK(client.in<tunnel::Disconnected>());
  CHECK(client.guard == tunnel::Guard::open);
}

TEST_CASE("states: under lockdown nothing is open while a tunnel comes and goes", "[sim][states]")
{
  TunnelScene scene{{}, {}, {.loss = 0.1}};
  DrivenClient client{scene.network, scene.client_setup};
  client.tell(tunnel::LockdownChanged{true});
  client.tell(tunnel::ConnectRequested{});
  for (int second = 0; second < 20; ++second) {
    client.run_for(1s);
    REQUIRE(client.guard != tunnel::Guard::open);
    if (second == 5) scene.gateway->restart({});
    if (second == 15) client.tell(tunnel::DisconnectRequested{});
  }
  CHECK(client.in<tunnel::Disconnected>());
  CHECK(client.guard == tunnel::Guard::blocked);
}

TEST_CASE("states: a network that comes back is tried at once", "[sim][states]")
{
  TunnelScene scene;
  DrivenClient client{scene.network, scene.client_setup};
  scene.network.shape(scene.client_setup.address, {.loss = 1});
  client.tell(tunnel::ConnectRequested{});
  client.run_for(100ms);
  client.tell(tunnel::NetworkChanged{false});
  client.run_for(20s);
  REQUIRE(client.in<tunnel::Reconnecting>());
  CHECK(std::get<tunnel::Reconnecting>(client.fsm().state()).next_attempt == 1);
  scene.network.shape(scene.client_setup.address, LinkShape{});
  client.tell(tunnel::NetworkChanged{true});
  client.run_for(200ms);
  CHECK(client.in<tunnel::Connected>());
}
