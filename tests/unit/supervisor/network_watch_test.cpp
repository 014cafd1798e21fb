#include "daemon/supervisor/network_watch.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "platform/fake/fake_network_monitor.hpp"
#include "platform/fake/fake_sleep_monitor.hpp"

using namespace slopn;
using namespace slopn::daemon;
using namespace std::chrono_literals;

namespace {

const IpAddress kGateway = *IpAddress::parse("192.0.2.10");
const platform::LocalPath kWifi{*IpAddress::parse("198.51.100.7"), 2, "wlan0"};
const platform::LocalPath kCable{*IpAddress::parse("203.0.113.7"), 3, "eth0"};

// A host of the test's making. Real time passes, a tenth of a second at a time.
struct Host final : NetworkWatchListener {
  asio::io_context io;
  platform::FakeNetworkMonitor* network = nullptr;
  platform::FakeSleepMonitor* sleep = nullptr;
  ClockReading clocks{.running = 1h, .passing = 2h, .wall = 3h};
  std::vector<std::string> told;
  std::unique_ptr<NetworkWatch> watch;

  enum class Bus { there, missing };
  explicit Host(Bus bus = Bus::there)
  {
    auto monitor = std::make_unique<platform::FakeNetworkMonitor>(io.get_executor());
    network = monitor.get();
    network->set_path(kGateway, kWifi);
    NetworkWatch::Parts parts;
    parts.network = std::move(monitor);
    parts.listen_for_sleep = [this, bus]() -> Result<std::unique_ptr<platform::SleepMonitor>> {
      if (bus == Bus::missing) return fail(Errc::not_found, "no bus");
      auto made = std::make_unique<platform::FakeSleepMonitor>(io.get_executor());
      sleep = made.get();
      return std::unique_ptr<platform::SleepMonitor>{std::move(made)};
    };
    parts.read_clocks = [this] { return clocks; };
    watch = std::make_unique<NetworkWatch>(
        io.get_executor(), std::move(parts), *this,
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>()));
    watch->follow({kGateway}, 0);
    pass(1ms);
  }
  ~Host() override
  {
    asio::co_spawn(io, watch->stop(), [](std::exception_ptr) {});
    io.restart();
    io.run();  // ends: nothing is left running
  }

  void pass(Clock::duration time)
  {
    io.restart();
    io.run_for(time);
  }

  void on_way_found(const platform::LocalPath& path) override
  {
    told.push_back(path.interface_name);
  }
  void on_way_lost() override { told.push_back("lost"); }
  void on_falling_asleep() override { told.push_back("asleep"); }
  void on_woke_up() override { told.push_back("woke up"); }
  void on_clock_jumped(std::chrono::milliseconds by, bool slept) override
  {
    jumps.emplace_back(by, slept);
  }
  std::vector<std::pair<std::chrono::milliseconds, bool>> jumps;
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("network watch: tells what the way becomes, once", "[unit][supervisor]")
{
  Host host;
  CHECK(host.watch->has_way());
  CHECK_FALSE(host.watch->take_recent_change());
  host.network->set_path(kGateway, kCable);
  host.network->announce();
  host.pass(250ms);
  CHECK(host.told == Told{"eth0"});
  CHECK(host.watch->take_recent_change());
  CHECK_FALSE(host.watch->take_recent_change());
  host.network->set_path(kGateway, std::nullopt);
  host.pass(250ms);
  CHECK(host.told == Told{"eth0", "lost"});
  CHECK_FALSE(host.watch->has_way());
  host.network->set_path(kGateway, kCable);
  host.pass(250ms);
  CHECK(host.told == Told{"eth0", "lost", "eth0"});
  CHECK(host.watch->has_way());
}

TEST_CASE("network watch: changes that leave the way as it is are not told", "[unit][supervisor]")
{
  Host host;
  for (int i = 0; i < 10; ++i) host.network->announce();
  host.pass(250ms);
  host.network->set_path(kGateway, kCable);
  host.network->set_path(kGateway, kWifi);
  host.pass(250ms);
  CHECK(host.told.empty());
}

TEST_CASE("network watch: what is followed now counts", "[unit][supervisor]")
{
  Host host;
  const IpAddress other = *IpAddress::parse("192.0.2.99");
  host.network->set_path(other, kCable);
  host.pass(250ms);
  host.watch->follow({other}, 0);
  host.network->set_path(kGateway, std::nullopt);
  host.pass(250ms);
  CHECK(host.told.empty());
  CHECK(host.watch->has_way());
}

TEST_CASE("network watch: of several gateways the first with a way counts", "[unit][supervisor]")
{
  Host host;
  const IpAddress unreachable = *IpAddress::parse("2001:db8:9::1");
  host.watch->follow({unreachable, kGateway}, 0);
  CHECK(host.watch->has_way());
  host.network->set_path(kGateway, kCable);
  host.pass(250ms);
  CHECK(host.told == Told{"eth0"});
  host.network->set_path(kGateway, std::nullopt);
  host.pass(250ms);
  CHECK(host.told == Told{"eth0", "lost"});
}

TEST_CASE("network watch: while no address is known, any way will do", "[unit][supervisor]")
{
  Host host;
  host.network->set_path(kGateway, std::nullopt);
  host.watch->follow({}, 0);
  CHECK_FALSE(host.watch->has_way());
  host.pass(250ms);
  CHECK(host.told.empty());
  host.network->set_path(*IpAddress::parse("2001:db8::1"), kCable);
  host.pass(250ms);
  CHECK(host.told == Told{"eth0"});
}

TEST_CASE("network watch: one sleep is told once, by whoever is first", "[unit][supervisor]")
{
  Host host;
  REQUIRE(host.sleep != nullptr);
  host.sleep->announce(platform::SleepEvent::falling_asleep);
  host.pass(20ms);
  CHECK(host.told == Told{"asleep"});
  host.told.clear();
  host.clocks.passing += 8h;
  host.clocks.wall += 8h;
  host.network->set_path(kGateway, kCable);
  host.sleep->announce(platform::SleepEvent::woke_up);
  host.pass(50ms);
  CHECK(host.told == Told{"eth0", "woke up"});  // the way first: what was learned is used
  host.clocks.running += 2s;
  host.clocks.passing += 2s;
  host.clocks.wall += 2s;
  host.pass(2200ms);
  CHECK(host.told == Told{"eth0", "woke up"});
}

TEST_CASE("network watch: without a bus the clocks tell of sleep", "[unit][supervisor]")
{
  Host host{Host::Bus::missing};
  host.clocks.running += 2s;
  host.clocks.passing += 8h;
  host.clocks.wall += 8h;
  host.pass(2200ms);
  CHECK(host.told == Told{"woke up"});
}

TEST_CASE("network watch: a wall clock that is set means nothing to the tunnel",
          "[unit][supervisor]")
{
  Host host;
  host.clocks.running += 2s;
  host.clocks.passing += 2s;
  host.clocks.wall -= std::chrono::hours(24 * 365 * 20);
  host.pass(2200ms);
  CHECK(host.told.empty());
}
