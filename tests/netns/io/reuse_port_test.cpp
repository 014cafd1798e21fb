#include "libtunnel/io/reuse_port.hpp"

#include <netinet/in.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "libtunnel/base/socket_address.hpp"
#include "libtunnel/io/udp_socket.hpp"
#include "libtunnel/quic/worker_steering.hpp"
#include "tests/netns/platform/network_namespace.hpp"
#include "tests/support/catch_result.hpp"

namespace slopn::io {
namespace {

class Counter final : public DatagramReceiver {
 public:
  void on_udp_payload(const quic::UdpPath&, quic::EcnBits, ByteView payload) override
  {
    received.emplace_back(payload.begin(), payload.end());
  }
  std::vector<ByteVector> received;
};

using Group = std::vector<std::unique_ptr<UdpSocket>>;

Group open_group(asio::io_context& io, const UdpEndpoint& local, std::size_t workers)
{
  Group group;
  for (std::size_t i = 0; i < workers; ++i) {
    auto socket = UdpSocket::listen(io.get_executor(), local,
                                    {.buffer_bytes = 1 << 20, .share = {workers, i}});
    REQUIRE(socket);
    group.push_back(std::move(*socket));
  }
  return group;
}

UdpEndpoint local_end(const char* address)
{
  return {*IpAddress::parse(address), 4433};
}

// A client of the kernel's UDP, from a port of its own.
void send_from_anywhere(const UdpEndpoint& to, ByteView packet)
{
  const UniqueFd fd{
      ::socket(to.address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_storage address{};
  const socklen_t size = to_socket_address(to, address);
  REQUIRE(::sendto(fd.get(), packet.data(), packet.size(), 0,
                   reinterpret_cast<const sockaddr*>(&address), size) >= 0);
}

// How many of the group's sockets got a packet, and whether only `wanted` did.
bool only_came_to(Group& group, std::size_t wanted)
{
  bool good = true;
  for (std::size_t i = 0; i < group.size(); ++i) {
    Counter counter;
    REQUIRE(group[i]->receive(counter));
    good = good && counter.received.size() == (i == wanted ? 1U : 0U);
  }
  return good;
}

ByteVector random_packet(std::mt19937& random)
{
  ByteVector packet(random() % 60);
  for (std::byte& byte : packet) byte = static_cast<std::byte>(random());
  return packet;
}

}  // namespace

TEST_CASE("reuse port: the kernel steers every packet as worker_for() says", "[netns][io]")
{
  const test::NetworkNamespace name_space;
  test::run("ip link set lo up");
  REQUIRE(probe_port_steering());
  std::mt19937 random{1};
  for (const char* address : {"127.0.0.1", "::1"}) {
    for (const std::size_t workers : {2U, 3U, 8U, 64U}) {
      asio::io_context io;
      const UdpEndpoint local = local_end(address);
      Group group = open_group(io, local, workers);
      for (int i = 0; i < 200; ++i) {
        const ByteVector packet = random_packet(random);
        CAPTURE(address, workers, i, packet.size());
        send_from_anywhere(local, packet);
        REQUIRE(only_came_to(group, quic::worker_for(packet, workers)));
      }
    }
  }
}

TEST_CASE("reuse port: each listening address is a group of its own", "[netns][io]")
{
  const test::NetworkNamespace name_space;
  test::run("ip link set lo up && ip addr add 127.0.0.2/8 dev lo");
  asio::io_context io;
  std::vector<Group> groups;
  // As a gateway does it: worker by worker, each with all addresses.
  for (const char* address : {"127.0.0.1", "127.0.0.2", "::1"})
    groups.push_back(open_group(io, local_end(address), 4));
  for (std::size_t worker = 0; worker < 4; ++worker) {
    const ByteVector packet{std::byte{0x40}, static_cast<std::byte>(worker), std::byte{1}};
    send_from_anywhere(local_end("127.0.0.2"), packet);
    CHECK(only_came_to(groups[1], worker));
    CHECK(only_came_to(groups[0], 4));
    CHECK(only_came_to(groups[2], 4));
  }
}

TEST_CASE("reuse port: a port that somebody shares already is refused, and so is a taken one",
          "[netns][io]")
{
  const test::NetworkNamespace name_space;
  test::run("ip link set lo up");
  asio::io_context io;
  const auto listen = [&](PortShare share) {
    return UdpSocket::listen(io.get_executor(), local_end("127.0.0.1"), {.share = share});
  };
  {
    const Group group = open_group(io, local_end("127.0.0.1"), 2);
    CHECK(listen({2, 0}).error().code.value() == EADDRINUSE);
    CHECK(listen({1, 0}).error().code.value() == EADDRINUSE);
  }
  const auto alone = listen({1, 0});
  REQUIRE(alone);
  CHECK(listen({2, 0}).error().code.value() == EADDRINUSE);
}

}  // namespace slopn::io
