#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "libtunnel/core/connect_ip_client.hpp"
#include "libtunnel/core/connect_ip_gateway.hpp"
#include "tests/support/catch_result.hpp"
#include "tests/support/hex.hpp"

// Both ends of a CONNECT-IP stream, joined without anything in between.

namespace slopn {
namespace {

using namespace std::chrono_literals;
using connect_ip::Configured;
using test::ip;
using test::prefix;

constexpr Clock::time_point kStart{};

// Carries the bytes that both have to say, cut into parts of `part` bytes, until they fall silent.
Result<> exchange(ConnectIpClient& client, ConnectIpGateway& gateway, std::size_t part)
{
  for (int round = 0; round < 10; ++round) {
    const ByteVector down = gateway.take_output();
    for (std::size_t at = 0; at < down.size(); at += part) {
      const ByteView bytes = ByteView{down}.subspan(at, std::min(part, down.size() - at));
      if (auto fed = client.on_stream_data(bytes, kStart); !fed) return fed;
    }
    const ByteVector up = client.take_output();
    for (std::size_t at = 0; at < up.size(); at += part) {
      const ByteView bytes = ByteView{up}.subspan(at, std::min(part, up.size() - at));
      if (auto fed = gateway.on_stream_data(bytes, kStart); !fed) return fed;
    }
    if (up.empty() && down.empty()) return {};
  }
  FAIL("they never fall silent");
  return {};
}

}  // namespace

TEST_CASE("connect-ip: a client learns what its gateway offers", "[unit][connect_ip]")
{
  const std::size_t part = GENERATE(1U, 7U, 10'000U);
  ConnectIpGateway gateway{
      {.addresses = {prefix("10.0.0.2/32"), prefix("fd00::2/128")},
       .routes = {wire::range_of(prefix("0.0.0.0/0")), wire::range_of(prefix("::/0"))}}};
  ConnectIpClient client;
  client.on_accepted(kStart, 10ms);
  gateway.on_accepted();
  REQUIRE(exchange(client, gateway, part));

  const auto events = client.take_events();
  REQUIRE_FALSE(events.empty());
  const auto& last = std::get<Configured>(events.back());
  CHECK(last.addresses == std::vector{prefix("10.0.0.2/32"), prefix("fd00::2/128")});
  REQUIRE(last.routes);
  CHECK(last.routes->size() == 2);
}

TEST_CASE("connect-ip: a request gets an answer in both families", "[unit][connect_ip]")
{
  ConnectIpGateway gateway{{.addresses = {prefix("10.0.0.2/32")}, .routes = {}}};
  ConnectIpClient client;
  client.on_accepted(kStart, 10ms);
  REQUIRE(client.on_time(kStart + 10ms));  // the gateway was slow
  REQUIRE(exchange(client, gateway, 3));
  const auto events = client.take_events();
  REQUIRE_FALSE(events.empty());
  CHECK(std::get<Configured>(events.back()).addresses == std::vector{prefix("10.0.0.2/32")});
}

TEST_CASE("connect-ip: a gateway without addresses is an exhausted pool", "[unit][connect_ip]")
{
  ConnectIpGateway gateway{{}};
  ConnectIpClient client;
  client.on_accepted(kStart, 10ms);
  REQUIRE(exchange(client, gateway, 5));
  REQUIRE(client.on_time(kStart + 10ms));
  const auto result = exchange(client, gateway, 5);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == make_error_code(Errc::pool_exhausted));
}

TEST_CASE("connect-ip: a changed offer reaches the client", "[unit][connect_ip]")
{
  ConnectIpGateway gateway{{.addresses = {prefix("10.0.0.2/32")}, .routes = {}}};
  ConnectIpClient client;
  client.on_accepted(kStart, 10ms);
  gateway.on_accepted();
  REQUIRE(exchange(client, gateway, 100));
  (void)client.take_events();
  gateway.change_offer({.addresses = {prefix("10.0.0.3/32")}, .routes = {}});
  REQUIRE(exchange(client, gateway, 100));
  const auto events = client.take_events();
  REQUIRE(events.size() == 1);
  CHECK(std::get<Configured>(events[0]).addresses == std::vector{prefix("10.0.0.3/32")});
}

}  // namespace slopn
