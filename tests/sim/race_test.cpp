// Several addresses and several gateways at once: real handshakes, in virtual time.

#include <catch2/catch_test_macros.hpp>
#include <map>

#include "libtunnel/core/race_plan.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

const UdpEndpoint kFirst = *UdpEndpoint::parse("192.0.2.1:443");
const UdpEndpoint kSecond = *UdpEndpoint::parse("192.0.2.2:443");

// Does what `RacePlan` says, each handshake from an address of its own.
class Race {
 public:
  Race(SimulatedNetwork& network, const crypto::KeyPair& key) : network_(network)
  {
    setup_.session.credentials = session::ConcealedKey{key};
  }

  RacePlan plan;

  // Until somebody is online, or all are lost. How long that took.
  Clock::duration run(Clock::duration limit = 30s)
  {
    const auto start = network_.now();
    plan.close();
    while (network_.now() - start < limit && !plan.lost() && !online()) {
      if (const auto late = plan.overdue(network_.now())) {
        runners_.at(*late)->close();
        runners_.erase(*late);
        plan.on_failed(*late, fail(Errc::timed_out, "tunnel"), network_.now());
      }
      while (const auto runner = plan.start_next(network_.now())) start_runner(*runner);
      network_.run_for(1ms);
      look();
    }
    return network_.now() - start;
  }

  [[nodiscard]] ClientHost* online()
  {
    const auto winner = plan.winner();
    return winner && runners_.at(*winner)->online() ? runners_.at(*winner).get() : nullptr;
  }
  // Where the runner's packets come from.
  [[nodiscard]] static UdpEndpoint address_of(RacePlan::Runner runner, IpVersion version)
  {
    return client_address(static_cast<std::uint32_t>(100 + runner), version);
  }

 private:
  void start_runner(RacePlan::Runner runner)
  {
    ClientSetup setup = setup_;
    setup.gateway = plan.candidate(runner).endpoint;
    setup.address = address_of(runner, setup.gateway.address.version());
    runners_.erase(runner);  // first, because the next has its address
    runners_[runner] = std::make_unique<ClientHost>(network_, setup);
  }

  void look()
  {
    for (const auto& [runner, host] : runners_) {
      if (host->closed()) {
        plan.on_failed(runner, host->session().close_reason(), network_.now());
        runners_.erase(runner);
        return;
      }
      if (!host->phase || plan.winner()) continue;
      for (const auto loser : plan.on_won(runner, network_.now())) {
        runners_.at(loser)->close();
        runners_.erase(loser);
      }
      return;
    }
  }

  SimulatedNetwork& network_;
  ClientSetup setup_;
  std::map<RacePlan::Runner, std::unique_ptr<ClientHost>> runners_;
};

struct RaceScene {
  SimulatedNetwork network;
  crypto::KeyPair key = crypto::KeyPair::generate();
  Race race{network, key};

  GatewayHost gateway_at(const UdpEndpoint& address, bool knows_us = true)
  {
    GatewaySetup setup;
    setup.address = address;
    const crypto::KeyPair other = crypto::KeyPair::generate();
    setup.rules = rules_for(std::span{knows_us ? &key : &other, 1});
    return GatewayHost{network, std::move(setup)};
  }
};

}  // namespace

TEST_CASE("race: a dead gateway costs a quarter of a second", "[sim][race]")
{
  RaceScene scene;
  GatewayHost second = scene.gateway_at(kSecond);
  scene.race.plan.add({{kFirst, 0}, {kSecond, 1}});
  const auto took = scene.race.run();
  REQUIRE(scene.race.online());
  CHECK(took > 250ms);
  CHECK(took < 400ms);
  CHECK(second.sessions().size() == 1);
}

TEST_CASE("race: a living gateway is not held up by others to come", "[sim][race]")
{
  RaceScene scene;
  GatewayHost first = scene.gateway_at(kFirst);
  GatewayHost second = scene.gateway_at(kSecond);
  scene.race.plan.add({{kFirst, 0}, {kSecond, 1}});
  CHECK(scene.race.run() < 100ms);
  scene.network.run_for(1s);
  CHECK(first.sessions().size() == 1);
  CHECK(second.endpoint().connections() == 0);
}

TEST_CASE("race: a broken IPv6 loses to IPv4", "[sim][race]")
{
  RaceScene scene;
  GatewayHost v6 = scene.gateway_at(kGatewayV6);
  GatewayHost v4 = scene.gateway_at(kGatewayV4);
  scene.network.shape(Race::address_of(1, IpVersion::v6), {.loss = 1});
  scene.race.plan.add({{kGatewayV4, 0}, {kGatewayV6, 0}});
  CHECK(scene.race.run() < 400ms);
  REQUIRE(scene.race.online());
  CHECK(v4.sessions().size() == 1);
  CHECK(v6.sessions().empty());
}

TEST_CASE("race: the faster one wins, and the loser is told", "[sim][race]")
{
  RaceScene scene;
  GatewayHost slow = scene.gateway_at(kFirst);
  GatewayHost fast = scene.gateway_at(kSecond);
  scene.network.shape(Race::address_of(0, IpVersion::v4), {.delay = 400ms});
  scene.race.plan.add({{kFirst, 0}, {kSecond, 1}});
  CHECK(scene.race.run() < 400ms);
  REQUIRE(scene.race.online());
  scene.network.run_for(2s);
  CHECK(fast.sessions().size() == 1);
  CHECK(slow.sessions().empty());
  CHECK(slow.endpoint().connections() == 0);
}

TEST_CASE("race: a gateway that does not know us leaves it to the next", "[sim][race]")
{
  RaceScene scene;
  GatewayHost stranger = scene.gateway_at(kFirst, false);
  GatewayHost ours = scene.gateway_at(kSecond);
  scene.race.plan.add({{kFirst, 0}, {kSecond, 1}});
  CHECK(scene.race.run() < 400ms);
  REQUIRE(scene.race.online());
  CHECK(stranger.visitors.empty());
  CHECK(ours.sessions().size() == 1);
}

TEST_CASE("race: a gateway that never gives a tunnel leaves it to the next", "[sim][race]")
{
  RaceScene scene;
  GatewayHost silent = scene.gateway_at(kFirst);
  GatewayHost ours = scene.gateway_at(kSecond);
  silent.admits_at_once = false;
  scene.race.plan.add({{kFirst, 0}, {kSecond, 1}});
  const auto took = scene.race.run();
  REQUIRE(scene.race.online());
  CHECK(took > 3s);
  CHECK(took < 3500ms);
  CHECK(ours.sessions().size() == 1);
}

TEST_CASE("race: when no gateway knows us there is no use in trying again", "[sim][race]")
{
  RaceScene scene;
  GatewayHost first = scene.gateway_at(kFirst, false);
  GatewayHost second = scene.gateway_at(kSecond, false);
  scene.race.plan.add({{kFirst, 0}, {kSecond, 1}});
  (void)scene.race.run();
  REQUIRE(scene.race.plan.lost());
  CHECK(scene.race.plan.reason().code == make_error_code(Errc::auth_rejected));
}

TEST_CASE("race: refused by one and unheard by the other, it is worth another try", "[sim][race]")
{
  RaceScene scene;
  GatewayHost first = scene.gateway_at(kFirst, false);
  scene.race.plan.add({{kFirst, 0}, {kSecond, 1}});
  (void)scene.race.run();
  REQUIRE(scene.race.plan.lost());
  CHECK(is_retryable(scene.race.plan.reason().code));
}
