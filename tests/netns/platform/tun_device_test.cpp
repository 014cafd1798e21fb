#include "platform/tun_device.hpp"

#include <netinet/in.h>

#include <array>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cerrno>
#include <chrono>
#include <thread>

#include "libtunnel/base/async.hpp"
#include "tests/netns/platform/inner_packet.hpp"
#include "tests/netns/platform/network_namespace.hpp"

using namespace std::chrono_literals;

namespace slopn::platform {
namespace {

std::unique_ptr<TunDevice> open_test_tun(asio::io_context& io, TunOptions options = {})
{
  auto tun = open_tun(io.get_executor(), options);
  if (!tun) FAIL(tun.error().message());
  return std::move(*tun);
}

HostPacket whole(ByteVector& packet)
{
  return {.bytes = packet, .offload = {}};
}

// Waits at most `patience`; the wait must end by itself before.
Result<> wait_for_packet(asio::io_context& io, TunDevice& tun, std::chrono::milliseconds patience)
{
  auto waited =
      asio::co_spawn(io, tun.wait_readable(), asio::cancel_after(patience, asio::use_future));
  io.restart();
  io.run();
  return waited.get();
}

}  // namespace

TEST_CASE("tun: packets go from the host to the reader and back", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  const auto tun = open_test_tun(io);
  CHECK(tun->name() == "slopn0");
  test::run("ip addr add 10.90.0.1/24 dev slopn0 && ip addr add fd90::1/64 dev slopn0");

  // From the host: two pings without an answer.
  CHECK(test::status_of("ping -c 2 -i 0.2 -W 1 10.90.0.2") != 0);
  REQUIRE(wait_for_packet(io, *tun, 2s).has_value());
  PacketBatch batch{16, 2048};
  const auto count = tun->read_batch(batch);
  REQUIRE(count.has_value());
  REQUIRE(*count == 2);
  const auto ping = test::summarise(batch.packets()[0].bytes);
  REQUIRE(ping);
  CHECK(ping->to == "10.90.0.2");
  CHECK(ping->icmp_type == 8);

  // To the host: the kernel answers.
  auto request4 = test::echo_request("10.90.0.2", "10.90.0.1");
  auto request6 = test::echo_request("fd90::2", "fd90::1");
  const std::array requests{whole(request4), whole(request6)};
  const auto taken = tun->write_batch(requests);
  REQUIRE(taken.has_value());
  CHECK(*taken == 2);
  batch.clear();
  REQUIRE(wait_for_packet(io, *tun, 2s).has_value());
  REQUIRE(tun->read_batch(batch).has_value());
  REQUIRE(batch.size() == 2);
  CHECK(test::summarise(batch.packets()[0].bytes)->icmp_type == 0);
  CHECK(test::summarise(batch.packets()[1].bytes)->icmp_type == 129);
}

TEST_CASE("tun: reading stops at a full batch and at an empty queue", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  const auto tun = open_test_tun(io);
  test::run("ip addr add 10.90.0.1/24 dev slopn0");
  CHECK(test::status_of("ping -c 3 -i 0.2 -W 1 10.90.0.2") != 0);

  PacketBatch two{2, 2048};
  CHECK(*tun->read_batch(two) == 2);
  CHECK(*tun->read_batch(two) == 0);  // full
  two.clear();
  CHECK(*tun->read_batch(two) == 1);
  two.clear();
  CHECK(*tun->read_batch(two) == 0);  // empty
}

TEST_CASE("tun: a malformed packet counts as taken", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  const auto tun = open_test_tun(io);
  test::run("ip addr add 10.90.0.1/24 dev slopn0");

  ByteVector garbage(40, std::byte{0xff});
  auto request = test::echo_request("10.90.0.2", "10.90.0.1");
  const std::array packets{whole(garbage), HostPacket{}, whole(request)};
  CHECK(*tun->write_batch(packets) == 3);
  REQUIRE(wait_for_packet(io, *tun, 2s).has_value());
}

TEST_CASE("tun: cancelling a wait gives operation_aborted", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  const auto tun = open_test_tun(io);
  const auto waited = wait_for_packet(io, *tun, 20ms);
  REQUIRE(waited.has_error());
  CHECK(waited.error().code == asio::error::operation_aborted);
}

TEST_CASE("tun: an interface deleted under the reader is an error from then on",
          "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  const auto tun = open_test_tun(io);

  auto waited = asio::co_spawn(io, tun->wait_readable(), asio::cancel_after(5s, asio::use_future));
  io.poll();  // the wait has begun
  test::run("ip link del slopn0");
  io.run();
  CHECK(waited.get().has_value());
  PacketBatch batch{4, 2048};
  const auto first = tun->read_batch(batch);
  REQUIRE(first.has_error());
  CHECK(first.error().code.value() == EBADFD);
  CHECK(first.error().context.find("slopn0: the interface was deleted") != std::string::npos);

  CHECK(wait_for_packet(io, *tun, 5s).has_value());
  CHECK(tun->read_batch(batch).error().code.value() == EBADFD);
  auto request = test::echo_request("10.90.0.2", "10.90.0.1");
  const std::array packets{whole(request)};
  CHECK(tun->write_batch(packets).error().code.value() == EBADFD);
}

TEST_CASE("tun: writing to an interface that is down says so", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  const auto tun = open_test_tun(io);
  test::run("ip link set slopn0 down");
  auto request = test::echo_request("10.90.0.2", "10.90.0.1");
  const std::array packets{whole(request)};
  const auto written = tun->write_batch(packets);
  REQUIRE(written.has_error());
  CHECK(written.error().context.find("is down") != std::string::npos);
}

TEST_CASE("tun: has its options, and the kernel is silent on it", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  const auto tun = open_test_tun(io, {.name_template = "tunnel%d", .mtu_bytes = 1400});
  CHECK(tun->name() == "tunnel0");
  const auto link = test::run("ip -d link show tunnel0");
  CHECK(link.find("mtu 1400") != std::string::npos);
  CHECK(link.find("qlen 1000") != std::string::npos);
  CHECK(link.find("addrgenmode none") != std::string::npos);
  CHECK(test::run("cat /proc/sys/net/ipv6/conf/tunnel0/accept_ra") == "0\n");
  CHECK(test::run("ip -6 addr show dev tunnel0 scope link").empty());

  test::run("ip addr add fd90::1/64 dev tunnel0");
  std::this_thread::sleep_for(1500ms);  // the first solicitations would come within a second
  PacketBatch batch{4, 2048};
  CHECK(*tun->read_batch(batch) == 0);
}

TEST_CASE("tun: refuses names that are taken or make no sense", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  const auto tun = open_test_tun(io);
  const auto busy = open_tun(io.get_executor(), {.name_template = "slopn0"});
  REQUIRE(busy.has_error());
  CHECK(busy.error().code == make_error_code(Errc::busy));

  for (const char* name :
       {"", "a-name-that-is-too-long", "a b", "%d", "x%dy", "a/b", "..", "x%s"}) {
    CAPTURE(name);
    const auto refused = open_tun(io.get_executor(), {.name_template = name});
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == make_error_code(Errc::invalid_argument));
  }
}

TEST_CASE("tun: destroying the device removes the interface", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  open_test_tun(io).reset();
  CHECK(test::status_of("ip link show slopn0") != 0);
}

}  // namespace slopn::platform
