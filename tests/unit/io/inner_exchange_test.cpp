#include "libtunnel/io/inner_exchange.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <thread>

using namespace slopn;
using namespace slopn::io;

namespace {

const IpAddress kFirst = *IpAddress::parse("10.0.0.1");
const IpAddress kSecond = *IpAddress::parse("fd00::2");

HostPacket packet_of(ByteVector& bytes)
{
  return {bytes, {}};
}

// Workers that read their mail on one thread, when the test says so.
struct Desk {
  explicit Desk(std::size_t workers) : exchange(workers), received(workers), wakes(workers)
  {
    for (std::size_t i = 0; i < workers; ++i)
      exchange.join(i, io.get_executor(), [this, i] { read(i); });
  }
  void read(std::size_t worker)
  {
    ++wakes[worker];
    Mail mail;
    exchange.collect(worker, mail);
    for (const HostPacket& packet : mail.packets())
      received[worker].emplace_back(as_text(packet.bytes));
  }
  bool hand_over(std::size_t reader, const IpAddress& to, std::string_view text)
  {
    ByteVector bytes(as_bytes(text).begin(), as_bytes(text).end());
    return exchange.hand_over(reader, to, packet_of(bytes));
  }

  asio::io_context io;
  InnerExchange exchange;
  std::vector<std::vector<std::string>> received;
  std::vector<int> wakes;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("inner exchange: packets go to the worker that serves the address, in order",
          "[unit][io]")
{
  Desk desk{3};
  desk.exchange.assign(kFirst, 1);
  desk.exchange.assign(kSecond, 2);
  CHECK(desk.hand_over(0, kFirst, "one"));
  CHECK(desk.hand_over(2, kFirst, "two"));
  CHECK(desk.hand_over(0, kSecond, "three"));
  desk.io.run();
  CHECK(desk.received == std::vector<Texts>{{}, {"one", "two"}, {"three"}});
  CHECK(desk.wakes == std::vector<int>{0, 1, 1});  // one for both
}

TEST_CASE("inner exchange: keeps nothing that no other worker serves", "[unit][io]")
{
  Desk desk{2};
  CHECK_FALSE(desk.hand_over(0, kFirst, "unknown"));
  desk.exchange.assign(kFirst, 0);
  CHECK_FALSE(desk.hand_over(0, kFirst, "its own"));
  desk.exchange.assign(kFirst, 1);
  CHECK(desk.hand_over(0, kFirst, "moved"));
  desk.exchange.withdraw(kFirst);
  CHECK_FALSE(desk.hand_over(0, kFirst, "gone"));
  desk.io.run();
  CHECK(desk.received == std::vector<Texts>{{}, {"moved"}});
}

TEST_CASE("inner exchange: wakes a worker again after it has read", "[unit][io]")
{
  Desk desk{2};
  desk.exchange.assign(kFirst, 1);
  for (int i = 1; i <= 3; ++i) {
    CHECK(desk.hand_over(0, kFirst, "again"));
    desk.io.restart();
    desk.io.run();
    CHECK(desk.wakes[1] == i);
    CHECK(desk.received[1].size() == static_cast<std::size_t>(i));
  }
}

TEST_CASE("inner exchange: drops and counts what comes on top of the limit", "[unit][io]")
{
  Desk desk{2};
  desk.exchange.assign(kFirst, 1);
  const std::string large(65'536, 'x');
  const std::size_t room = InnerExchange::kMaxMailBytes / large.size();
  for (std::size_t i = 0; i < room + 5; ++i) CHECK(desk.hand_over(0, kFirst, large));
  CHECK(desk.exchange.dropped_packets(1) == 5);
  CHECK(desk.exchange.dropped_packets(0) == 0);
  desk.io.run();
  CHECK(desk.received[1].size() == room);
  CHECK(desk.hand_over(0, kFirst, large));
  CHECK(desk.exchange.dropped_packets(1) == 5);
}

TEST_CASE("inner exchange: what the host left undone travels with the packet", "[unit][io]")
{
  InnerExchange exchange{2};
  asio::io_context io;
  exchange.join(1, io.get_executor(), [] {});
  exchange.assign(kFirst, 1);
  ByteVector bytes(100);
  const HostPacket super{bytes, {.split = Offload::Split::tcp_v4, .segment_bytes = 33}};
  CHECK(exchange.hand_over(0, kFirst, super));
  Mail mail;
  exchange.collect(1, mail);
  REQUIRE(mail.packets().size() == 1);
  CHECK(mail.packets()[0].offload == super.offload);
  CHECK(mail.packets()[0].bytes.data() != bytes.data());
}

TEST_CASE("inner exchange: loses nothing between threads", "[unit][io]")
{
  constexpr int kPackets = 20'000;
  InnerExchange exchange{3};
  asio::io_context io{1};
  std::vector<std::uint64_t> next(2);
  bool in_order = true;
  int received = 0;
  exchange.join(2, io.get_executor(), [&] {
    Mail mail;
    exchange.collect(2, mail);
    for (const HostPacket& packet : mail.packets()) {
      const auto sender = std::to_integer<std::size_t>(packet.bytes[0]);
      const auto number = std::to_integer<std::uint64_t>(packet.bytes[1]);
      in_order = in_order && number == (next[sender]++ & 0xffU);
      ++received;
    }
  });
  exchange.assign(kFirst, 2);
  const auto send = [&](std::size_t sender) {
    for (int i = 0; i < kPackets; ++i) {
      ByteVector bytes{static_cast<std::byte>(sender), static_cast<std::byte>(i)};
      (void)exchange.hand_over(sender, kFirst, packet_of(bytes));
    }
  };
  {
    std::jthread first{send, 0};
    std::jthread second{send, 1};
    while (received + static_cast<int>(exchange.dropped_packets(2)) < 2 * kPackets) {
      io.restart();
      io.poll();
    }
  }
  CHECK(in_order);
  CHECK(received == 2 * kPackets);  // 80 KB never fill the box
}
