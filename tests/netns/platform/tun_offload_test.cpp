#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <thread>
#include <utility>

#include "libtunnel/base/async.hpp"
#include "libtunnel/base/unique_fd.hpp"
#include "platform/tun_device.hpp"
#include "tests/netns/platform/network_namespace.hpp"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

using namespace std::chrono_literals;

// Super-packets between a host and a TUN, both of this kernel.
namespace slopn::platform {
namespace {

constexpr std::size_t kPieceBytes = 1000;
constexpr std::size_t kPieces = 10;
constexpr std::uint16_t kPort = 4000;

std::unique_ptr<TunDevice> open_test_tun(asio::io_context& io, TunOffloads offloads)
{
  auto tun = open_tun(io.get_executor(), {.mtu_bytes = 1400, .offloads = offloads});
  if (!tun) FAIL(tun.error().message());
  test::run("ip addr add 10.90.0.1/24 dev slopn0");
  return std::move(*tun);
}

sockaddr_in address_of(const char* address)
{
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(kPort);
  REQUIRE(inet_pton(AF_INET, address, &made.sin_addr) == 1);
  return made;
}

UniqueFd udp_socket(const char* local)
{
  UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
  const sockaddr_in address = address_of(local);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

// One train of pieces, as a QUIC program or iperf3 sends it.
void send_train(const UniqueFd& socket)
{
  const int segment = static_cast<int>(kPieceBytes);
  REQUIRE(::setsockopt(socket.get(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0);
  const ByteVector payload(kPieces * kPieceBytes, std::byte{0x5a});
  const sockaddr_in to = address_of("10.90.0.2");
  REQUIRE(::sendto(socket.get(), payload.data(), payload.size(), 0,
                   reinterpret_cast<const sockaddr*>(&to),
                   sizeof to) == static_cast<ssize_t>(payload.size()));
}

PacketBatch read_some(TunDevice& tun)
{
  PacketBatch batch{64, kMaxHostPacketBytes, 8 * kMaxHostPacketBytes};
  for (int tries = 0; tries < 100 && batch.empty(); ++tries) {
    REQUIRE(tun.read_batch(batch).has_value());
    if (batch.empty()) std::this_thread::sleep_for(10ms);
  }
  return batch;
}

// What the other end would send back: source and destination of IPv4 change places.
void turn_round(MutableByteView packet)
{
  std::swap_ranges(packet.begin() + 12, packet.begin() + 16, packet.begin() + 16);
}

std::size_t count_received(const UniqueFd& socket)
{
  std::size_t count = 0;
  std::array<std::byte, 2000> buffer;
  while (::recv(socket.get(), buffer.data(), buffer.size(), 0) == static_cast<ssize_t>(kPieceBytes))
    ++count;
  return count;
}

}  // namespace

TEST_CASE("tun: a train of UDP comes as one super-packet, and goes back as one",
          "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  const auto tun = open_test_tun(io, {.tcp = true, .udp = true});
  if (!tun->offloads().udp) SKIP("this kernel has no USO on a TUN");
  const UniqueFd socket = udp_socket("10.90.0.1");
  send_train(socket);

  const PacketBatch batch = read_some(*tun);
  REQUIRE(batch.size() == 1);
  const HostPacket packet = batch.packets()[0];
  CHECK(packet.bytes.size() == 28 + kPieces * kPieceBytes);
  CHECK(packet.offload.split == Offload::Split::udp);
  CHECK(packet.offload.segment_bytes == kPieceBytes);
  CHECK(packet.offload.checksum_missing);
  CHECK(packet.offload.checksum_start == 20);
  CHECK(packet.offload.checksum_offset == 6);

  turn_round(packet.bytes);
  const std::array answer{HostPacket{packet.bytes, packet.offload}};
  CHECK(*tun->write_batch(answer) == 1);
  CHECK(count_received(socket) == kPieces);
}

TEST_CASE("tun: without offloads every packet fits the MTU and is complete", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  const auto tun = open_test_tun(io, {.tcp = false, .udp = false});
  CHECK(tun->offloads() == TunOffloads{});
  const UniqueFd socket = udp_socket("10.90.0.1");
  send_train(socket);

  const PacketBatch batch = read_some(*tun);
  REQUIRE(batch.size() == kPieces);
  for (const HostPacket& packet : batch.packets()) {
    CHECK(packet.bytes.size() == 28 + kPieceBytes);
    CHECK(packet.offload == Offload{});
    turn_round(packet.bytes);
  }
  CHECK(*tun->write_batch(batch.packets()) == kPieces);
  CHECK(count_received(socket) == kPieces);
}

TEST_CASE("tun: each kind of super-packet can be left out", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  const auto tun = open_test_tun(io, {.tcp = true, .udp = false});
  CHECK(tun->offloads() == TunOffloads{.tcp = true, .udp = false});
  const UniqueFd socket = udp_socket("10.90.0.1");
  send_train(socket);
  const PacketBatch batch = read_some(*tun);
  REQUIRE(batch.size() == kPieces);
  CHECK(batch.packets()[0].offload.split == Offload::Split::none);
}

TEST_CASE("tun: a super-packet that makes no sense counts as taken and goes nowhere",
          "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  const auto tun = open_test_tun(io, {.tcp = true, .udp = true});
  const UniqueFd socket = udp_socket("10.90.0.1");
  send_train(socket);
  const PacketBatch batch = read_some(*tun);
  REQUIRE_FALSE(batch.empty());
  const MutableByteView bytes = batch.packets()[0].bytes;
  turn_round(bytes);
  const std::array bad{
      HostPacket{bytes, {.checksum_missing = true, .checksum_start = 60'000}},
      HostPacket{bytes, {.split = Offload::Split::tcp_v4, .segment_bytes = 0}},
  };
  CHECK(*tun->write_batch(bad) == bad.size());
  CHECK(count_received(socket) == 0);
}

}  // namespace slopn::platform
