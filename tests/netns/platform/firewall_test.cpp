#include "platform/firewall.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <thread>

#include "libtunnel/base/async.hpp"
#include "libtunnel/base/unique_fd.hpp"
#include "platform/tun_device.hpp"
#include "tests/netns/platform/inner_packet.hpp"
#include "tests/netns/platform/network_namespace.hpp"

using namespace std::chrono_literals;

namespace slopn::platform {
namespace {

constexpr std::uint8_t kTcpReset = 0x04;
constexpr std::uint8_t kUnreachable4 = 3;
constexpr std::uint8_t kUnreachable6 = 1;

IpPrefix prefix(const char* text)
{
  const auto parsed = IpPrefix::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

void succeed(const Result<>& result)
{
  if (!result) FAIL(result.error().message());
}

std::unique_ptr<Firewall> firewall(const test::TemporaryDir& state)
{
  auto made = make_firewall(std::filesystem::path{state.path()});
  if (!made) FAIL(made.error().message());
  return std::move(*made);
}

GatewayRules gateway_rules()
{
  return {.tunnel_interface = "slopn0",
          .pools = {prefix("10.90.0.0/24"), prefix("fd90::/64")},
          .masquerade = true,
          .client_to_client = false,
          .forbidden = {prefix("192.0.2.66/32"), prefix("2001:db8::66/128")},
          .tunnel_addresses = {},
          .services = {}};
}

/// A TCP service at all addresses of both families.
UniqueFd listener_everywhere(std::uint16_t port)
{
  UniqueFd fd{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_port = htons(port);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  REQUIRE(::listen(fd.get(), 4) == 0);
  return fd;
}

bool contains(const std::string& text, const std::string& part)
{
  return text.find(part) != std::string::npos;
}

std::string table()
{
  return test::run("nft list table inet slopn");
}

std::string sysctl(const std::string& name)
{
  return test::run("cat /proc/sys/net/" + name);
}

// A gateway between a tunnel, whose far end the test plays, and an outside neighbour.
//
//     test --TUN-- 10.90.0.1 [gateway] 192.0.2.2 --veth-- 192.0.2.1 [outside]
//                  fd90::1             2001:db8::2        2001:db8::1
class Gateway {
 public:
  explicit Gateway(const GatewayRules& rules = gateway_rules())
  {
    auto opened = open_tun(io_.get_executor(), {});
    if (!opened) FAIL(opened.error().message());
    tun_ = std::move(*opened);
    test::run(
        "ip addr add 10.90.0.1/24 dev slopn0 && ip addr add fd90::1/64 dev slopn0"
        " && ip addr add 2001:db8::2/64 dev near nodad");
    outside.inside([] {
      test::run(
          "ip addr add 2001:db8::1/64 dev far nodad && ip addr add 192.0.2.66/24 dev far"
          " && ip route add 10.90.0.0/24 via 192.0.2.2"
          " && ip -6 route add fd90::/64 via 2001:db8::2");
    });
    succeed(firewall(state)->apply(rules));
  }

  /// A client's packet comes out of the tunnel.
  void inject(const ByteVector& packet)
  {
    ByteVector copy = packet;
    const std::array one{HostPacket{.bytes = copy, .offload = {}}};
    REQUIRE(*tun_->write_batch(one) == 1);
  }

  /// What goes into the tunnel next; nullopt if nothing does.
  std::optional<test::PacketSummary> next_to_client()
  {
    for (int tries = 0; tries < 30; ++tries) {
      PacketBatch batch{1, 2048};
      REQUIRE(*tun_->read_batch(batch) <= 1);
      if (!batch.empty()) return test::summarise(batch.packets()[0].bytes);
      std::this_thread::sleep_for(10ms);
    }
    return std::nullopt;
  }

  std::optional<test::PacketSummary> answer_to(const ByteVector& packet)
  {
    inject(packet);
    return next_to_client();
  }

  const test::NetworkNamespace name_space;
  const test::TemporaryDir state;
  const test::Neighbour outside{"192.0.2.2/24", "192.0.2.1/24"};

 private:
  asio::io_context io_;
  std::unique_ptr<TunDevice> tun_;
};

// Everything of one protocol that reaches the outside.
class Capture {
 public:
  explicit Capture(const test::Neighbour& outside)
  {
    outside.inside([this] {
      fd_ = UniqueFd{
          ::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL))};
    });
    REQUIRE(fd_);
  }

  /// The next packet to `port` that leaves the gateway.
  std::optional<test::PacketSummary> next_to_port(std::uint16_t port)
  {
    std::array<std::byte, 2048> buffer{};
    for (int tries = 0; tries < 30; ++tries) {
      pollfd state{.fd = fd_.get(), .events = POLLIN, .revents = 0};
      (void)::poll(&state, 1, 10);
      sockaddr_storage from{};
      socklen_t from_size = sizeof from;
      const auto length = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &from_size);
      if (length <= 0) continue;
      const auto packet =
          test::summarise(ByteView{buffer.data(), static_cast<std::size_t>(length)});
      if (packet && packet->to_port == port) return packet;
    }
    return std::nullopt;
  }

 private:
  UniqueFd fd_;
};

}  // namespace

TEST_CASE("firewall: clients reach the outside behind the gateway's address", "[netns][platform]")
{
  Gateway gateway;
  Capture capture{gateway.outside};
  gateway.inject(test::udp_packet({.from = "10.90.0.5", .to = "192.0.2.1"}, "hello"));
  const auto v4 = capture.next_to_port(9);
  REQUIRE(v4);
  CHECK(v4->from == "192.0.2.2");
  CHECK(v4->from_port >= 16384);

  gateway.inject(test::udp_packet({.from = "fd90::5", .to = "2001:db8::1"}, "hello"));
  const auto v6 = capture.next_to_port(9);
  REQUIRE(v6);
  CHECK(v6->from == "2001:db8::2");
  CHECK(v6->from_port >= 16384);

  // The closed port's answer, and an echo reply, find their way back.
  const auto refused = gateway.next_to_client();
  REQUIRE(refused);
  CHECK(refused->to == "10.90.0.5");
  CHECK(refused->icmp_type == kUnreachable4);
  CHECK(gateway.next_to_client()->icmp_type == kUnreachable6);
  CHECK(gateway.answer_to(test::echo_request("10.90.0.5", "192.0.2.1"))->icmp_type == 0);
  CHECK(gateway.answer_to(test::echo_request("fd90::5", "2001:db8::1"))->icmp_type == 129);
}

TEST_CASE("firewall: without masquerading the pools are visible outside", "[netns][platform]")
{
  GatewayRules rules = gateway_rules();
  rules.masquerade = false;
  Gateway gateway{rules};
  Capture capture{gateway.outside};
  gateway.inject(test::udp_packet({.from = "10.90.0.5", .to = "192.0.2.1"}, "hello"));
  const auto packet = capture.next_to_port(9);
  REQUIRE(packet);
  CHECK(packet->from == "10.90.0.5");
  CHECK(packet->from_port == 40000);
  CHECK(gateway.next_to_client()->to == "10.90.0.5");
}

TEST_CASE("firewall: a source outside of the pools is dropped", "[netns][platform]")
{
  Gateway gateway;
  test::run("echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter");
  Capture capture{gateway.outside};
  CHECK_FALSE(gateway.answer_to(test::udp_packet({.from = "10.91.0.5", .to = "192.0.2.1"}, "x")));
  CHECK_FALSE(
      gateway.answer_to(test::udp_packet({.from = "2001:db8:5::5", .to = "2001:db8::1"}, "x")));
  CHECK_FALSE(gateway.answer_to(test::echo_request("2001:db8:5::5", "fd90::1")));
  CHECK_FALSE(capture.next_to_port(9));
}

TEST_CASE("firewall: mail, forbidden destinations and other clients are refused at once",
          "[netns][platform]")
{
  Gateway gateway;
  const auto mail = gateway.answer_to(
      test::tcp_syn({.from = "10.90.0.5", .to = "192.0.2.1", .to_port = 25}, 1400));
  REQUIRE(mail);
  CHECK((mail->tcp_flags & kTcpReset) != 0);

  CHECK(gateway.answer_to(test::echo_request("10.90.0.5", "192.0.2.66"))->icmp_type ==
        kUnreachable4);
  CHECK(gateway.answer_to(test::echo_request("fd90::5", "2001:db8::66"))->icmp_type ==
        kUnreachable6);
  CHECK(gateway.answer_to(test::echo_request("10.90.0.5", "10.90.0.6"))->icmp_type ==
        kUnreachable4);
  CHECK(gateway.answer_to(test::echo_request("fd90::5", "fd90::6"))->icmp_type == kUnreachable6);
}

TEST_CASE("firewall: clients reach one another when allowed", "[netns][platform]")
{
  GatewayRules rules = gateway_rules();
  rules.client_to_client = true;
  Gateway gateway{rules};
  for (const auto& [from, to] : {std::pair{"10.90.0.5", "10.90.0.6"}, {"fd90::5", "fd90::6"}}) {
    const auto forwarded = gateway.answer_to(test::echo_request(from, to));
    REQUIRE(forwarded);
    CHECK(forwarded->from == from);
    CHECK(forwarded->to == to);
    CHECK_FALSE(gateway.next_to_client());  // no redirect to the sender
  }
}

TEST_CASE("firewall: of the gateway itself clients get only echoes", "[netns][platform]")
{
  Gateway gateway;
  CHECK(gateway.answer_to(test::echo_request("10.90.0.5", "10.90.0.1"))->icmp_type == 0);
  CHECK(gateway.answer_to(test::echo_request("fd90::5", "fd90::1"))->icmp_type == 129);
  for (const char* address : {"10.90.0.1", "192.0.2.2"}) {
    const auto tcp =
        gateway.answer_to(test::tcp_syn({.from = "10.90.0.5", .to = address, .to_port = 22}, 1400));
    REQUIRE(tcp);
    CHECK((tcp->tcp_flags & kTcpReset) != 0);
    const auto udp = gateway.answer_to(test::udp_packet({.from = "10.90.0.5", .to = address}, "x"));
    REQUIRE(udp);
    CHECK(udp->icmp_type == kUnreachable4);
  }
}

TEST_CASE("firewall: clients reach a service at its address and port only", "[netns][platform]")
{
  GatewayRules rules = gateway_rules();
  rules.services = {*UdpEndpoint::parse("10.90.0.1:5202"), *UdpEndpoint::parse("[fd90::1]:5202")};
  Gateway gateway{rules};
  const UniqueFd service = listener_everywhere(5202);  // at every address of the gateway
  const auto flags_of = [&](const test::Flow& flow) {
    const auto answer = gateway.answer_to(test::tcp_syn(flow, 1000));
    REQUIRE(answer);
    return answer->tcp_flags;
  };
  constexpr std::uint8_t kSynAck = 0x12;
  CHECK(flags_of({"10.90.0.2", "10.90.0.1", 40000, 5202}) == kSynAck);
  CHECK(flags_of({"fd90::2", "fd90::1", 40000, 5202}) == kSynAck);
  CHECK((flags_of({"10.90.0.2", "10.90.0.1", 40000, 5203}) & kTcpReset) != 0);
  CHECK((flags_of({"10.90.0.2", "192.0.2.2", 40000, 5202}) & kTcpReset) != 0);
  CHECK((flags_of({"fd90::2", "2001:db8::2", 40000, 5202}) & kTcpReset) != 0);
}

TEST_CASE("firewall: the outside reaches neither clients nor the tunnel's addresses",
          "[netns][platform]")
{
  Gateway gateway;
  gateway.outside.inside([] {
    CHECK(test::status_of("ping -c 1 -W 1 192.0.2.2") == 0);  // an ordinary host otherwise
    CHECK(test::status_of("ping -c 1 -W 1 2001:db8::2") == 0);
    CHECK(test::status_of("ping -c 1 -W 1 10.90.0.1") != 0);  // CVE-2019-14899
    CHECK(test::status_of("ping -c 1 -W 1 fd90::1") != 0);
    CHECK(test::status_of("ping -c 1 -W 1 10.90.0.5") != 0);
    CHECK(test::status_of("ping -c 1 -W 1 fd90::5") != 0);
  });
  CHECK_FALSE(gateway.next_to_client());
  CHECK(test::status_of("ping -c 1 -W 1 10.90.0.1") == 0);  // the gateway itself may
}

TEST_CASE("firewall: nobody outside speaks as a client", "[netns][platform]")
{
  Gateway gateway;
  test::run(
      "echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > "
      "/proc/sys/net/ipv4/conf/near/rp_filter");
  gateway.outside.inside([] {
    test::run("ip addr add 10.90.0.5/32 dev lo && ip addr add fd90::5/128 dev lo");
    CHECK(test::status_of("ping -c 1 -W 1 -I 10.90.0.5 192.0.2.2") != 0);
    CHECK(test::status_of("ping -c 1 -W 1 -I fd90::5 2001:db8::2") != 0);
  });
  CHECK_FALSE(gateway.next_to_client());  // not even an answer that went astray
}

TEST_CASE("firewall: a tunnel address outside of the pools is protected too", "[netns][platform]")
{
  GatewayRules rules = gateway_rules();
  rules.tunnel_addresses = {*IpAddress::parse("10.99.0.1"), *IpAddress::parse("fd99::1")};
  Gateway gateway{rules};
  test::run("ip addr add 10.99.0.1/32 dev slopn0 && ip addr add fd99::1/128 dev slopn0");
  gateway.outside.inside([] {
    test::run("ip route add 10.99.0.1 via 192.0.2.2 && ip -6 route add fd99::1 via 2001:db8::2");
    CHECK(test::status_of("ping -c 1 -W 1 10.99.0.1") != 0);
    CHECK(test::status_of("ping -c 1 -W 1 fd99::1") != 0);
  });
  CHECK(gateway.answer_to(test::echo_request("10.90.0.5", "10.99.0.1"))->icmp_type == 0);
}

TEST_CASE("firewall: the segment size follows the tunnel's MTU in both directions",
          "[netns][platform]")
{
  Gateway gateway;  // its tunnel has an MTU of 1280
  Capture capture{gateway.outside};
  gateway.outside.inside([] {
    test::run(
        "/usr/bin/python3 -c 'import socket,time\n"
        "s = [socket.create_server((a, 8080), family=f) for a, f in"
        " ((\"192.0.2.1\", socket.AF_INET), (\"2001:db8::1\", socket.AF_INET6))]\n"
        "time.sleep(3)' >/dev/null 2>&1 & sleep 0.4");
  });
  gateway.inject(test::tcp_syn({.from = "10.90.0.5", .to = "192.0.2.1", .to_port = 8080}, 1460));
  CHECK(capture.next_to_port(8080)->mss_bytes == 1240);
  CHECK(gateway.next_to_client()->mss_bytes == 1240);
  gateway.inject(test::tcp_syn({.from = "fd90::5", .to = "2001:db8::1", .to_port = 8080}, 1460));
  CHECK(capture.next_to_port(8080)->mss_bytes == 1220);
  CHECK(gateway.next_to_client()->mss_bytes == 1220);
  gateway.inject(test::tcp_syn({.from = "10.90.0.6", .to = "192.0.2.1", .to_port = 8080}, 536));
  CHECK(capture.next_to_port(8080)->mss_bytes == 536);  // never raised
}

TEST_CASE("firewall: the kernel itself says nothing into the tunnel", "[netns][platform]")
{
  Gateway gateway;  // forwarding is on, so the kernel would report multicast listeners
  CHECK_FALSE(gateway.next_to_client());
  std::this_thread::sleep_for(1200ms);
  CHECK_FALSE(gateway.next_to_client());
}

TEST_CASE("firewall: applying again replaces the table, whoever applies", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  const test::TemporaryDir state;
  const auto rules = firewall(state);
  succeed(rules->apply(gateway_rules()));
  const std::string first = table();
  CHECK(contains(first, "tcp option maxseg size set rt mtu"));
  CHECK(contains(first, "masquerade"));

  succeed(rules->apply(gateway_rules()));
  CHECK(table() == first);
  succeed(firewall(state)->apply(gateway_rules()));
  CHECK(table() == first);

  GatewayRules changed = gateway_rules();
  changed.pools = {prefix("10.77.0.0/16"), prefix("10.78.0.0/16")};
  changed.masquerade = false;
  succeed(rules->apply(changed));
  CHECK(contains(table(), "10.77.0.0"));
  CHECK_FALSE(contains(table(), "10.90.0.0"));
  CHECK_FALSE(contains(table(), "masquerade"));
}

TEST_CASE("firewall: pools that touch or overlap are accepted", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  const test::TemporaryDir state;
  GatewayRules rules = gateway_rules();
  rules.pools = {prefix("10.0.0.0/8"), prefix("10.90.0.0/24"), prefix("11.0.0.0/8")};
  rules.forbidden = {prefix("0.0.0.0/0"), prefix("::/0")};
  succeed(firewall(state)->apply(rules));
}

TEST_CASE("firewall: restore leaves others' tables and is content without one of ours",
          "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  const test::TemporaryDir state;
  test::run("nft add table inet theirs");
  succeed(firewall(state)->restore());
  succeed(firewall(state)->apply(gateway_rules()));
  succeed(firewall(state)->restore());
  CHECK(test::run("nft list tables") == "table inet theirs\n");
}

TEST_CASE("firewall: forwarding is put back as it was, also after a crash", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  const test::TemporaryDir state;
  CHECK(sysctl("ipv4/ip_forward") == "0\n");
  test::Child daemon{[&] {
    auto made = make_firewall(std::filesystem::path{state.path()});
    return made.has_value() && (*made)->apply(gateway_rules()).has_value();
  }};
  daemon.kill();
  CHECK(sysctl("ipv4/ip_forward") == "1\n");
  CHECK(sysctl("ipv6/conf/all/forwarding") == "1\n");

  succeed(firewall(state)->apply(gateway_rules()));  // must not take our own 1 for the host's
  succeed(firewall(state)->restore());
  CHECK(sysctl("ipv4/ip_forward") == "0\n");
  CHECK(sysctl("ipv6/conf/all/forwarding") == "0\n");
}

TEST_CASE("firewall: forwarding that was on before stays on", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  const test::TemporaryDir state;
  test::run("echo 1 > /proc/sys/net/ipv4/ip_forward");
  succeed(firewall(state)->apply(gateway_rules()));
  succeed(firewall(state)->restore());
  CHECK(sysctl("ipv4/ip_forward") == "1\n");
  CHECK(sysctl("ipv6/conf/all/forwarding") == "0\n");
}

TEST_CASE("firewall: a family without a pool is not forwarded", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  const test::TemporaryDir state;
  GatewayRules rules = gateway_rules();
  rules.pools = {prefix("10.90.0.0/24")};
  succeed(firewall(state)->apply(rules));
  CHECK(sysctl("ipv4/ip_forward") == "1\n");
  CHECK(sysctl("ipv6/conf/all/forwarding") == "0\n");
}

TEST_CASE("firewall: router advertisements count as before while forwarding", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  const test::TemporaryDir state;
  test::run(
      "ip link add uplink type veth peer name other && ip link add quiet type veth peer name q2"
      " && echo 0 > /proc/sys/net/ipv6/conf/quiet/accept_ra");
  CHECK(sysctl("ipv6/conf/uplink/accept_ra") == "1\n");
  succeed(firewall(state)->apply(gateway_rules()));
  CHECK(sysctl("ipv6/conf/uplink/accept_ra") == "2\n");
  CHECK(sysctl("ipv6/conf/quiet/accept_ra") == "0\n");
  succeed(firewall(state)->apply(gateway_rules()));
  test::run("ip link del other");  // an interface may be gone by then
  succeed(firewall(state)->restore());
  CHECK(sysctl("ipv6/conf/all/forwarding") == "0\n");
  CHECK(sysctl("ipv6/conf/q2/accept_ra") == "1\n");
}

TEST_CASE("firewall: a damaged record is said once and does not stop anything", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  const test::TemporaryDir state;
  succeed(firewall(state)->apply(gateway_rules()));
  test::run("truncate -s 30 " + (state.path() / "forwarding-before-slopn").string());
  const auto restored = firewall(state)->restore();
  REQUIRE(restored.has_error());
  CHECK(restored.error().code == make_error_code(Errc::data_corrupt));
  CHECK(test::run("nft list tables").empty());
  succeed(firewall(state)->restore());
  succeed(firewall(state)->apply(gateway_rules()));
}

}  // namespace slopn::platform
