#include "platform/route_manager.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

#include "libtunnel/base/async.hpp"
#include "libtunnel/base/unique_fd.hpp"
#include "platform/local_networks.hpp"
#include "platform/tun_device.hpp"
#include "tests/netns/platform/network_namespace.hpp"
#include "tests/support/catch_result.hpp"

namespace slopn::platform {
namespace {

constexpr std::uint32_t kMark = 0x510b;
constexpr std::uint32_t kTable = 51820;
constexpr std::uint32_t kPriority = 5100;

IpPrefix prefix(const char* text)
{
  const auto parsed = IpPrefix::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

IpInterfaceAddress own_address(const char* text)
{
  const auto parsed = IpInterfaceAddress::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

NetworkConfig::Policy full_tunnel()
{
  return {.bypass_mark = kMark,
          .table = kTable,
          .rule_priority = kPriority,
          .through_tunnel = {prefix("0.0.0.0/0"), prefix("::/0")},
          .unreachable = {}};
}

NetworkConfig client_config()
{
  return {.interface_name = "slopn0",
          .mtu_bytes = 1400,
          .addresses = {own_address("10.90.0.2/32"), own_address("fd90::2/128")},
          .policy = full_tunnel()};
}

std::unique_ptr<RouteManager> manager(const std::string& state_dir = {})
{
  auto made = make_route_manager({.state_dir = state_dir});
  if (!made) FAIL(made.error().message());
  return std::move(*made);
}

void succeed(const Result<>& result)
{
  if (!result) FAIL(result.error().message());
}

// A host with a default route of its own in both families, and a tunnel interface.
class Host {
 public:
  Host()
  {
    test::run(
        "ip link add eth0 type veth peer name wire && ip link set eth0 up && ip link set wire up"
        " && ip addr add 192.0.2.2/24 dev eth0 && ip addr add 2001:db8::2/64 dev eth0 nodad"
        " && ip route add default via 192.0.2.1 && ip -6 route add default via 2001:db8::1");
    auto opened = open_tun(io_.get_executor(), {});
    if (!opened) FAIL(opened.error().message());
    tun_ = std::move(*opened);
  }

  void delete_tun() { tun_.reset(); }

 private:
  asio::io_context io_;
  std::unique_ptr<TunDevice> tun_;
};

bool contains(const std::string& text, const std::string& part)
{
  return text.find(part) != std::string::npos;
}

std::string whole_network()
{
  return test::run(
      "ip addr show; ip rule; ip -6 rule; ip route show table all; ip -6 route show table all");
}

std::string way_to(const std::string& destination, const std::string& options = {})
{
  return test::run("ip route get " + destination + " " + options);
}

}  // namespace

TEST_CASE("routes: a full tunnel takes everything but marked packets", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  succeed(manager()->apply(client_config()));

  CHECK(contains(way_to("198.51.100.1"), "dev slopn0 table 51820 src 10.90.0.2"));
  CHECK(contains(way_to("2001:db8:1::1"), "dev slopn0"));
  CHECK(contains(way_to("198.51.100.1", "mark 0x510b"), "via 192.0.2.1 dev eth0"));
  CHECK(contains(way_to("2001:db8:1::1", "mark 0x510b"), "via 2001:db8::1 dev eth0"));
  CHECK(contains(test::run("ip link show slopn0"), "mtu 1400"));
}

TEST_CASE("routes: a split tunnel leaves the rest to main", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  NetworkConfig config = client_config();
  config.policy->through_tunnel = {prefix("203.0.113.0/24")};
  succeed(manager()->apply(config));
  CHECK(contains(way_to("203.0.113.9"), "dev slopn0"));
  CHECK(contains(way_to("198.51.100.1"), "dev eth0"));
  CHECK(contains(way_to("2001:db8:1::1"), "dev eth0"));
}

TEST_CASE("routes: what is outside is left to main, by the longest prefix", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  NetworkConfig config = client_config();
  config.policy->through_tunnel.push_back(prefix("10.20.0.0/16"));
  config.policy->unreachable = config.policy->through_tunnel;
  config.policy->outside = {prefix("10.0.0.0/8"), prefix("2001:db8:1::/48"), prefix("fe80::/64")};
  const auto routes = manager();
  succeed(routes->apply(config));
  succeed(routes->apply(config));
  CHECK(contains(way_to("10.1.0.1"), "dev eth0"));
  CHECK(contains(way_to("10.20.0.1"), "dev slopn0"));
  CHECK(contains(way_to("2001:db8:1::1"), "dev eth0"));
  CHECK(contains(way_to("2001:db8:2::1"), "dev slopn0"));
  CHECK(contains(way_to("fe80::1", "oif eth0"), "dev eth0"));

  host.delete_tun();
  CHECK(contains(way_to("10.1.0.1"), "dev eth0"));
  CHECK(test::status_of("ip route get 10.20.0.1") != 0);
  CHECK(test::status_of("ip route get 2001:db8:2::1") != 0);
}

TEST_CASE("routes: what is outside can be taken back, and wins at the same length",
          "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  NetworkConfig config = client_config();
  const auto routes = manager();
  succeed(routes->apply(config));
  const std::string before = whole_network();
  config.policy->outside = {prefix("0.0.0.0/0"), prefix("::/0")};
  succeed(routes->apply(config));
  CHECK(contains(way_to("198.51.100.1"), "dev eth0"));
  CHECK(contains(way_to("2001:db8:1::1"), "dev eth0"));
  succeed(routes->apply(client_config()));
  CHECK(whole_network() == before);
}

TEST_CASE("local networks: those of links that are up", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  test::run(
      "ip link set lo up && ip link add eth0 type veth peer name wire && ip link set wire up"
      " && ip link set eth0 up && ip addr add 192.168.7.2/24 dev eth0"
      " && ip addr add 192.168.7.3/24 dev eth0 && ip addr add 10.0.0.1 peer 10.9.9.9/32 dev eth0"
      " && ip addr add fd07::2/64 dev eth0 nodad && ip link add dead type veth peer name end"
      " && ip addr add 192.168.9.2/24 dev dead");
  const auto networks = local_networks();
  REQUIRE(networks);
  const auto count = [&](const char* name, const char* text) {
    return std::ranges::count(*networks, LocalNetwork{name, prefix(text)});
  };
  CHECK(count("lo", "127.0.0.0/8") == 1);
  CHECK(count("eth0", "192.168.7.0/24") == 1);
  CHECK(count("eth0", "10.9.9.9/32") == 1);
  CHECK(count("eth0", "fd07::/64") == 1);
  CHECK(count("eth0", "fe80::/64") == 1);
  CHECK(count("dead", "192.168.9.0/24") == 0);
}

TEST_CASE("routes: marked packets never enter the tunnel, even without a default route",
          "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  succeed(manager()->apply(client_config()));
  test::run("ip route del default && ip -6 route del default");
  CHECK(test::status_of("ip route get 198.51.100.1 mark 0x510b") != 0);
  CHECK(test::status_of("ip route get 2001:db8:1::1 mark 0x510b") != 0);
  CHECK(contains(way_to("198.51.100.1"), "dev slopn0"));
}

TEST_CASE("routes: an unreachable prefix is refused at once", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  NetworkConfig config = client_config();
  config.addresses = {own_address("10.90.0.2/32")};
  config.policy->through_tunnel = {prefix("0.0.0.0/0")};
  config.policy->unreachable = {prefix("::/0")};
  succeed(manager()->apply(config));
  CHECK(test::status_of("ip route get 2001:db8:1::1") != 0);
  CHECK(contains(way_to("198.51.100.1"), "dev slopn0"));
  // Neighbours on a link are found by that link, whatever our table says.
  const auto link_local = test::run("ip -6 -o addr show dev eth0 scope link");
  REQUIRE(contains(link_local, "fe80::"));
  CHECK(contains(way_to("fe80::1", "oif eth0"), "dev eth0"));
}

TEST_CASE("routes: a prefix in both lists is refused once the interface is gone",
          "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  NetworkConfig config = client_config();
  config.policy->unreachable = {prefix("0.0.0.0/0"), prefix("::/0")};
  succeed(manager()->apply(config));
  CHECK(contains(way_to("198.51.100.1"), "dev slopn0"));
  CHECK(contains(way_to("2001:db8:1::1"), "dev slopn0"));
  host.delete_tun();
  CHECK(test::status_of("ip route get 198.51.100.1") != 0);
  CHECK(test::status_of("ip route get 2001:db8:1::1") != 0);
  CHECK(contains(way_to("198.51.100.1", "mark 0x510b"), "dev eth0"));
}

TEST_CASE("routes: without an interface they refuse everything but marked packets",
          "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  NetworkConfig blocked;
  blocked.policy = client_config().policy;
  blocked.policy->through_tunnel = {};
  blocked.policy->unreachable = {prefix("0.0.0.0/0"), prefix("::/0")};
  const auto routes = manager();
  succeed(routes->apply(client_config()));
  succeed(routes->apply(blocked));
  CHECK(test::status_of("ip route get 198.51.100.1") != 0);
  CHECK(test::status_of("ip route get 2001:db8:1::1") != 0);
  CHECK(contains(way_to("198.51.100.1", "mark 0x510b"), "dev eth0"));
  host.delete_tun();
  succeed(routes->apply(blocked));
  CHECK(test::status_of("ip route get 198.51.100.1") != 0);

  blocked.policy->through_tunnel = {prefix("0.0.0.0/0")};
  CHECK(routes->apply(blocked).error().code == Errc::invalid_argument);
  CHECK(routes->apply(NetworkConfig{}).error().code == Errc::invalid_argument);
}

TEST_CASE("routes: applying the same twice changes nothing", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  const auto routes = manager();
  succeed(routes->apply(client_config()));
  const std::string once = whole_network();
  succeed(routes->apply(client_config()));
  CHECK(whole_network() == once);
  succeed(manager()->apply(client_config()));  // another process, without memory
  CHECK(whole_network() == once);
}

TEST_CASE("routes: applying a change leaves exactly the new configuration", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  NetworkConfig changed = client_config();
  changed.mtu_bytes = 1300;
  changed.addresses = {own_address("10.90.0.3/32"), own_address("fd90::3/128")};
  changed.policy->bypass_mark = 0x77;
  changed.policy->table = 99;
  changed.policy->rule_priority = 4000;
  changed.policy->through_tunnel = {prefix("0.0.0.0/0"), prefix("10.0.0.0/8")};
  changed.policy->unreachable = {prefix("::/0")};

  succeed(manager()->apply(changed));
  const std::string direct = whole_network();
  succeed(manager()->restore());
  const auto routes = manager();
  succeed(routes->apply(client_config()));
  succeed(routes->apply(changed));
  CHECK(whole_network() == direct);
}

TEST_CASE("routes: addresses of one subnet can be exchanged", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  const auto routes = manager();
  NetworkConfig config = client_config();
  config.addresses = {own_address("10.90.0.2/24")};
  succeed(routes->apply(config));
  config.addresses = {own_address("10.90.0.3/24"), own_address("10.90.0.4/24")};
  succeed(routes->apply(config));
  const auto addresses = test::run("ip -4 addr show dev slopn0");
  CHECK_FALSE(contains(addresses, "10.90.0.2/24"));
  CHECK(contains(addresses, "10.90.0.3/24"));
  CHECK(contains(addresses, "10.90.0.4/24"));
  CHECK(contains(way_to("198.51.100.1"), "dev slopn0"));
}

TEST_CASE("routes: IPv6 comes back after the MTU was too small for it", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  const auto routes = manager();
  succeed(routes->apply(client_config()));
  NetworkConfig small = client_config();
  small.mtu_bytes = 1200;
  small.addresses = {own_address("10.90.0.2/32")};
  small.policy->through_tunnel = {prefix("0.0.0.0/0")};
  succeed(routes->apply(small));
  CHECK(test::run("ip -6 addr show dev slopn0").empty());
  succeed(routes->apply(client_config()));
  CHECK(contains(way_to("2001:db8:1::1"), "dev slopn0"));
  CHECK(contains(test::run("ip -d link show slopn0"), "addrgenmode none"));
  CHECK(test::run("ip -6 addr show dev slopn0 scope link").empty());
}

TEST_CASE("routes: IPv6 works in the tunnel of a host that switched it off", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  test::run("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
  asio::io_context io;
  const auto tun = open_tun(io.get_executor(), {});
  REQUIRE(tun.has_value());
  succeed(manager()->apply(client_config()));
  CHECK(contains(test::run("ip -6 addr show dev slopn0"), "fd90::2/128"));
}

TEST_CASE("routes: a gateway's pools are on-link routes in main", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  const auto routes = manager();
  succeed(routes->apply(client_config()));
  succeed(routes->apply({.interface_name = "slopn0",
                         .mtu_bytes = 1400,
                         .addresses = {own_address("10.90.0.1/24"), own_address("fd90::1/64")},
                         .policy = std::nullopt}));
  CHECK(contains(test::run("ip route"), "10.90.0.0/24 dev slopn0"));
  CHECK(contains(test::run("ip -6 route"), "fd90::/64 dev slopn0"));
  CHECK_FALSE(contains(test::run("ip rule; ip -6 rule"), "51820"));
  CHECK(contains(way_to("198.51.100.1"), "dev eth0"));
}

TEST_CASE("routes: restore without memory leaves the host as it was", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  const test::TemporaryDir state;
  Host host;
  const std::string before = test::run("ip rule; ip -6 rule; ip route; ip -6 route");
  succeed(manager(state.path())->apply(client_config()));
  CHECK(test::run("cat /proc/sys/net/ipv4/conf/all/src_valid_mark") == "1\n");
  succeed(manager(state.path())->apply(client_config()));

  succeed(manager(state.path())->restore());
  CHECK(test::run("ip rule; ip -6 rule; ip route; ip -6 route") == before);
  CHECK(test::run("ip route show table all; ip -6 route show table all").find("51820") ==
        std::string::npos);
  CHECK(test::run("cat /proc/sys/net/ipv4/conf/all/src_valid_mark") == "0\n");
  succeed(manager(state.path())->restore());
}

TEST_CASE("routes: restore repairs what a killed process left", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  const test::TemporaryDir state;
  test::run(
      "ip link add eth0 type veth peer name wire && ip link set eth0 up && ip link set wire up && "
      "ip addr add 192.0.2.2/24 dev eth0"
      " && ip route add default via 192.0.2.1");
  test::Child daemon{[&] {
    static asio::io_context io;  // lives until the kill
    static auto tun = open_tun(io.get_executor(), {});
    NetworkConfig config = client_config();
    config.policy->unreachable = {prefix("0.0.0.0/0"), prefix("::/0")};
    auto routes = make_route_manager({.state_dir = state.path()});
    return tun.has_value() && routes.has_value() && (*routes)->apply(config).has_value();
  }};
  CHECK(contains(way_to("198.51.100.1"), "dev slopn0"));

  daemon.kill();
  CHECK(test::status_of("ip link show slopn0") != 0);        // the kernel removed it
  CHECK(test::status_of("ip route get 198.51.100.1") != 0);  // and the rules still hold
  succeed(manager(state.path())->restore());
  CHECK(contains(way_to("198.51.100.1"), "dev eth0"));
  CHECK_FALSE(contains(test::run("ip rule; ip -6 rule"), "51820"));
  CHECK(test::run("cat /proc/sys/net/ipv4/conf/all/src_valid_mark") == "0\n");
}

TEST_CASE("routes: others' routes, rules and interfaces are left alone", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  test::run(
      "ip rule add fwmark 9 lookup 51820 priority 50 && ip route add 10.1.0.0/16 dev eth0 table "
      "51820"
      " && ip tuntap add dev theirs mode tun && ip tuntap add dev ours mode tun"
      " && ip link set ours alias 'slopn tunnel'");
  const auto routes = manager();
  succeed(routes->apply(client_config()));
  succeed(routes->restore());
  CHECK(contains(test::run("ip rule"), "fwmark 0x9 lookup 51820"));
  CHECK(contains(test::run("ip route show table 51820"), "10.1.0.0/16"));
  CHECK(test::status_of("ip link show theirs") == 0);
  CHECK(test::status_of("ip link show ours") != 0);
}

TEST_CASE("routes: a gateway and a client on one host do not undo each other", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  succeed(manager()->apply(client_config()));
  const auto gateway = make_route_manager({.routing_protocol = kGatewayRoutingProtocol});
  REQUIRE(gateway.has_value());
  succeed((*gateway)->restore());
  CHECK(contains(way_to("198.51.100.1"), "dev slopn0"));
}

TEST_CASE("routes: errors say what was tried and why not", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  const auto routes = manager();

  NetworkConfig missing = client_config();
  missing.interface_name = "slopn7";
  auto result = routes->apply(missing);
  REQUIRE(result.has_error());
  CHECK(result.error().code == make_error_code(Errc::not_found));
  CHECK(contains(result.error().context, "slopn7"));

  NetworkConfig huge = client_config();
  huge.interface_name = "lo";  // its MTU can be anything, an address of all ones cannot be added
  huge.addresses = {own_address("255.255.255.255/32")};
  result = routes->apply(huge);
  if (!result) CHECK(contains(result.error().context, "255.255.255.255"));

  for (const auto break_it : {+[](NetworkConfig& c) { c.policy->table = 254; },
                              +[](NetworkConfig& c) { c.policy->table = 0; },
                              +[](NetworkConfig& c) { c.policy->bypass_mark = 0; },
                              +[](NetworkConfig& c) { c.policy->rule_priority = 0; },
                              +[](NetworkConfig& c) { c.policy->rule_priority = 32764; },
                              +[](NetworkConfig& c) { c.mtu_bytes = 1279; },
                              +[](NetworkConfig& c) { c.interface_name = "a\"b"; }}) {
    NetworkConfig config = client_config();
    break_it(config);
    const auto refused = routes->apply(config);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == make_error_code(Errc::invalid_argument));
  }
}

namespace {

// Sends one datagram with our mark to the neighbour, who sends it back.
bool marked_exchange_works(const test::Neighbour& neighbour)
{
  sockaddr_in far{};
  far.sin_family = AF_INET;
  far.sin_port = htons(4433);
  ::inet_pton(AF_INET, "192.0.2.1", &far.sin_addr);
  UniqueFd echo;
  neighbour.inside([&] {
    echo = UniqueFd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    REQUIRE(::bind(echo.get(), reinterpret_cast<const sockaddr*>(&far), sizeof far) == 0);
  });
  const UniqueFd ours{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  REQUIRE(::setsockopt(ours.get(), SOL_SOCKET, SO_MARK, &kMark, sizeof kMark) == 0);
  char byte = 'x';
  REQUIRE(::sendto(ours.get(), &byte, 1, 0, reinterpret_cast<const sockaddr*>(&far), sizeof far) ==
          1);
  pollfd arrived{.fd = echo.get(), .events = POLLIN, .revents = 0};
  REQUIRE(::poll(&arrived, 1, 2000) == 1);
  sockaddr_in from{};
  socklen_t from_size = sizeof from;
  REQUIRE(::recvfrom(echo.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&from), &from_size) == 1);
  REQUIRE(::sendto(echo.get(), &byte, 1, 0, reinterpret_cast<const sockaddr*>(&from), from_size) ==
          1);
  pollfd returned{.fd = ours.get(), .events = POLLIN, .revents = 0};
  return ::poll(&returned, 1, 500) == 1;
}

}  // namespace

TEST_CASE("routes: replies to marked sockets pass strict reverse-path filtering",
          "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  const test::Neighbour neighbour{"192.0.2.2/24", "192.0.2.1/24"};
  test::run("echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter");
  asio::io_context io;
  const auto tun = open_tun(io.get_executor(), {});
  REQUIRE(tun.has_value());
  const auto routes = manager();
  succeed(routes->apply(client_config()));
  CHECK(marked_exchange_works(neighbour));
  test::run("nft delete table inet slopn_replies");
  CHECK_FALSE(marked_exchange_works(neighbour));  // so the table was what made it work
  succeed(manager()->restore());
  CHECK(test::run("cat /proc/sys/net/ipv4/conf/all/rp_filter") == "1\n");
}

TEST_CASE("routes: without strict filtering there is no table for replies", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  Host host;
  succeed(manager()->apply(client_config()));
  CHECK(test::run("nft list tables").empty());
}

}  // namespace slopn::platform
