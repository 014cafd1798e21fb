#include "platform/tun_queues.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

#include "libtunnel/base/async.hpp"
#include "tests/netns/platform/network_namespace.hpp"
#include "tests/support/catch_result.hpp"

namespace slopn::platform {
namespace {

constexpr std::size_t kQueues = 4;

TunQueues open_test_queues(asio::io_context& io, std::size_t steered_addresses,
                           std::string name = "slopn0")
{
  const std::vector<asio::any_io_executor> executors(kQueues,
                                                     asio::any_io_executor{io.get_executor()});
  auto opened = open_tun_queues(executors, {.name_template = std::move(name)}, steered_addresses);
  REQUIRE(opened);
  REQUIRE(opened->devices.size() == kQueues);
  return std::move(*opened);
}

void give_addresses()
{
  test::run("ip addr add 10.90.0.1/24 dev slopn0 && ip addr add fd90::1/64 dev slopn0");
}

IpAddress address(const char* text)
{
  return *IpAddress::parse(text);
}

// Empties all queues; returns how many packets were in each.
std::vector<std::size_t> waiting(TunQueues& tun)
{
  std::vector<std::size_t> counts;
  for (const auto& device : tun.devices) {
    PacketBatch batch{16, 2048};
    const auto count = device->read_batch(batch);
    REQUIRE(count);
    counts.push_back(*count);
  }
  return counts;
}

void host_pings(const std::string& target, int count = 1)
{
  CHECK(test::status_of("ping -n -i 0.01 -W 0.1 -c " + std::to_string(count) + " " + target) != 0);
}

using Counts = std::vector<std::size_t>;

}  // namespace

TEST_CASE("tun queues: packets come to the queue that serves their destination",
          "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  TunQueues tun = open_test_queues(io, 100);
  if (!tun.steering) SKIP(tun.steering_refused->message());
  give_addresses();

  REQUIRE(tun.steering->assign(address("10.90.0.5"), 3));
  REQUIRE(tun.steering->assign(address("10.90.0.6"), 1));
  REQUIRE(tun.steering->assign(address("fd90::5"), 2));
  host_pings("10.90.0.5", 3);
  CHECK(waiting(tun) == Counts{0, 0, 0, 3});
  host_pings("10.90.0.6", 2);
  CHECK(waiting(tun) == Counts{0, 2, 0, 0});
  host_pings("fd90::5", 3);
  CHECK(waiting(tun) == Counts{0, 0, 3, 0});

  SECTION("unknown ones to the first")
  {
    host_pings("10.90.0.77", 2);
    host_pings("fd90::77", 2);
    CHECK(waiting(tun) == Counts{4, 0, 0, 0});
  }
  SECTION("an address can move to another queue, and be forgotten")
  {
    REQUIRE(tun.steering->assign(address("10.90.0.5"), 1));
    host_pings("10.90.0.5");
    CHECK(waiting(tun) == Counts{0, 1, 0, 0});
    tun.steering->withdraw(address("10.90.0.5"));
    tun.steering->withdraw(address("10.90.0.200"));  // never known
    host_pings("10.90.0.5");
    CHECK(waiting(tun) == Counts{1, 0, 0, 0});
  }
  SECTION("also when the steering outlives the interface")
  {
    tun.devices.clear();
    CHECK(tun.steering->assign(address("10.90.0.9"), 1));
    tun.steering->withdraw(address("10.90.0.9"));
  }
}

TEST_CASE("tun queues: a full steering table is an error that harms nothing", "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  TunQueues tun = open_test_queues(io, 2);
  if (!tun.steering) SKIP(tun.steering_refused->message());
  REQUIRE(tun.steering->assign(address("10.90.0.5"), 3));
  REQUIRE(tun.steering->assign(address("10.90.0.6"), 3));
  CHECK_FALSE(tun.steering->assign(address("10.90.0.7"), 3));
  CHECK(tun.steering->assign(address("10.90.0.6"), 2));
}

TEST_CASE("tun queues: without steering every packet still comes to one of them",
          "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  TunQueues tun = open_test_queues(io, 0);
  CHECK_FALSE(tun.steering);
  CHECK_FALSE(tun.steering_refused);
  give_addresses();
  for (int i = 2; i < 12; ++i) host_pings("10.90.0." + std::to_string(i));
  std::size_t all = 0;
  for (const std::size_t count : waiting(tun)) all += count;
  CHECK(all == 10);
}

TEST_CASE("tun queues: the interface goes with the last queue, and belongs to nobody else",
          "[netns][platform]")
{
  const test::NetworkNamespace name_space;
  asio::io_context io;
  TunQueues tun = open_test_queues(io, 10);
  const std::vector<asio::any_io_executor> executors(2, asio::any_io_executor{io.get_executor()});
  const auto busy = open_tun_queues(executors, {.name_template = "slopn0"}, 0);
  REQUIRE(busy.has_error());
  CHECK(busy.error().code == make_error_code(Errc::busy));
  CHECK(open_tun(io.get_executor(), {.name_template = "slopn0"}).has_error());

  while (!tun.devices.empty()) {
    CHECK(test::status_of("ip link show slopn0") == 0);
    tun.devices.pop_back();
  }
  CHECK(test::status_of("ip link show slopn0") != 0);
}

}  // namespace slopn::platform
