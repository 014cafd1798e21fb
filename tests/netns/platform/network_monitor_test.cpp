#include "platform/network_monitor.hpp"

#include <boost/asio/cancel_after.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <catch2/catch_test_macros.hpp>
#include <fstream>

#include "tests/netns/platform/network_namespace.hpp"

namespace slopn::platform {
namespace {

using namespace std::chrono_literals;
using test::Neighbour;
using test::NetworkNamespace;
using test::run;

const IpAddress kFar = *IpAddress::parse("198.51.100.9");
const IpAddress kFarV6 = *IpAddress::parse("2001:db8:99::9");

struct Scene {
  NetworkNamespace network;
  asio::io_context io;
  std::unique_ptr<NetworkMonitor> monitor = make();

  std::unique_ptr<NetworkMonitor> make()
  {
    run("ip link set lo up");
    auto made = make_network_monitor(io.get_executor());
    if (!made) FAIL(made.error().message());
    return std::move(*made);
  }

  std::optional<LocalPath> path(const IpAddress& to, std::uint32_t mark = 0)
  {
    auto found = monitor->path_to(to, mark);
    if (!found) FAIL(found.error().message());
    return std::move(*found);
  }

  /// Whether a change is told within half a second.
  bool hears_change()
  {
    bool heard = false;
    asio::co_spawn(io, take_change(*monitor, heard),
                   asio::cancel_after(500ms, [](std::exception_ptr) {}));
    io.restart();
    io.run();
    return heard;
  }
  static asio::awaitable<void> take_change(NetworkMonitor& from, bool& heard)
  {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto change = co_await from.wait_change();
    heard = static_cast<bool>(change);
  }
  /// Lets what has happened up to now be told.
  void settle()
  {
    while (hears_change()) {
    }
  }
};

}  // namespace

TEST_CASE("network monitor: knows the address and interface of a way", "[netns][platform]")
{
  Scene scene;
  CHECK_FALSE(scene.path(kFar));
  CHECK_FALSE(scene.path(kFarV6));
  const Neighbour neighbour{"192.0.2.2/24", "192.0.2.1/24"};
  run("ip address add 2001:db8:1::2/64 dev near nodad");
  CHECK_FALSE(scene.path(kFar));  // a link without a route
  run("ip route add default via 192.0.2.1");
  run("ip -6 route add default via 2001:db8:1::1 dev near");
  const auto path = scene.path(kFar);
  REQUIRE(path);
  CHECK(path->address == *IpAddress::parse("192.0.2.2"));
  CHECK(path->interface_name == "near");
  CHECK(path->interface_index > 0);
  const auto path6 = scene.path(kFarV6);
  REQUIRE(path6);
  CHECK(path6->address == *IpAddress::parse("2001:db8:1::2"));
}

TEST_CASE("network monitor: a route that refuses is no way", "[netns][platform]")
{
  Scene scene;
  const Neighbour neighbour{"192.0.2.2/24", "192.0.2.1/24"};
  run("ip route add default via 192.0.2.1");
  for (const char* kind : {"unreachable", "prohibit", "blackhole"}) {
    run(std::string{"ip route replace "} + kind + " 198.51.100.0/24");
    CHECK_FALSE(scene.path(kFar));
    run(std::string{"ip route del "} + kind + " 198.51.100.0/24");
    run(std::string{"ip -6 route replace "} + kind + " 2001:db8:99::/64 dev lo");
    CHECK_FALSE(scene.path(kFarV6));
    run(std::string{"ip -6 route del "} + kind + " 2001:db8:99::/64 dev lo");
  }
  CHECK(scene.path(kFar));
}

TEST_CASE("network monitor: an interface without a carrier is no way", "[netns][platform]")
{
  Scene scene;
  const Neighbour neighbour{"192.0.2.2/24", "192.0.2.1/24"};
  run("ip route add default via 192.0.2.1");
  REQUIRE(scene.path(kFar));
  neighbour.inside([] { run("ip link set far down"); });
  CHECK_FALSE(scene.path(kFar));
  neighbour.inside([] { run("ip link set far up"); });
  CHECK(scene.path(kFar));
  run("ip link set near down");
  CHECK_FALSE(scene.path(kFar));
}

TEST_CASE("network monitor: the mark decides", "[netns][platform]")
{
  Scene scene;
  const Neighbour neighbour{"192.0.2.2/24", "192.0.2.1/24"};
  run("ip address add 192.0.2.77/24 dev near");
  run("ip route add default via 192.0.2.1 src 192.0.2.77 table 100");
  run("ip rule add fwmark 0x510b lookup 100");
  CHECK_FALSE(scene.path(kFar));
  const auto marked = scene.path(kFar, 0x510b);
  REQUIRE(marked);
  CHECK(marked->address == *IpAddress::parse("192.0.2.77"));
}

TEST_CASE("network monitor: tells of links, addresses, routes and rules", "[netns][platform]")
{
  Scene scene;
  scene.settle();
  for (const char* change :
       {"ip link add one type veth peer name two", "ip link set one up",
        "ip address add 192.0.2.2/24 dev one", "ip address add 2001:db8:1::2/64 dev one nodad",
        "ip link set two up", "ip route add 198.51.100.0/24 dev one",
        "ip -6 route add 2001:db8:99::/64 dev one", "ip rule add fwmark 1 lookup 100",
        "ip -6 rule add fwmark 1 lookup 100", "ip route del 198.51.100.0/24", "ip link del one"}) {
    CAPTURE(change);
    run(change);
    CHECK(scene.hears_change());
    scene.settle();
  }
  CHECK_FALSE(scene.hears_change());
}

TEST_CASE("network monitor: more changes than the kernel keeps for us lose nothing",
          "[netns][platform]")
{
  Scene scene;
  const Neighbour neighbour{"192.0.2.2/24", "192.0.2.1/24"};
  scene.settle();
  const test::TemporaryDir folder;
  const auto batch = folder / "routes";
  {
    std::ofstream lines{batch};
    for (int i = 0; i < 20'000; ++i)
      lines << "route add 10." << i / 250 << '.' << i % 250 << ".0/24 via 192.0.2.1\n";
  }
  run("ip -batch " + batch.string());
  run("ip route add default via 192.0.2.1");
  CHECK(scene.hears_change());
  CHECK(scene.path(kFar));
  scene.settle();
  run("ip route del default");
  CHECK(scene.hears_change());
  CHECK_FALSE(scene.path(kFar));
}

}  // namespace slopn::platform
