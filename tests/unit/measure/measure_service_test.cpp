// The service over the loopback interface: real sockets, real time, but no waiting for it.

#include "daemon/measure/measure_service.hpp"

#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch_test_macros.hpp>

#include "libtunnel/base/socket_address.hpp"
#include "tests/support/hex.hpp"

namespace slopn::measure {
namespace {

using namespace std::chrono_literals;
using test::ip;

constexpr timeval kPatience{5, 0};

/// On a port that the kernel finds free.
std::unique_ptr<MeasureService> service()
{
  for (std::uint16_t port = 42'000; port < 42'100; ++port) {
    auto started = MeasureService::start({"lo", {ip("127.0.0.1"), ip("::1")}, port});
    if (started) return std::move(*started);
  }
  FAIL("no port is free");
  return nullptr;
}

UniqueFd connected(const UdpEndpoint& to, int type)
{
  UniqueFd fd{::socket(to.address.is_v4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0)};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  sockaddr_storage storage{};
  const socklen_t size = to_socket_address(to, storage);
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0);
  return fd;
}

void send_all(const UniqueFd& fd, ByteView bytes)
{
  REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
}

/// Up to `size` bytes; fewer when the other side closes or is silent for too long.
ByteVector receive(const UniqueFd& fd, std::size_t size)
{
  ByteVector bytes(size);
  std::size_t have = 0;
  while (have < size) {
    const auto got = ::recv(fd.get(), bytes.data() + have, size - have, 0);
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

std::optional<Verdict> greet(const UniqueFd& fd, const Hello& hello)
{
  send_all(fd, format(hello));
  return parse_answer(receive(fd, kAnswerBytes));
}

}  // namespace

TEST_CASE("measure service: sends bytes down and counts what comes up", "[unit][measure]")
{
  const auto serving = service();
  REQUIRE(serving->endpoints().size() == 2);
  for (const UdpEndpoint& at : serving->endpoints()) {
    CAPTURE(at.to_string());
    {
      const UniqueFd down = connected(at, SOCK_STREAM);
      REQUIRE(greet(down, {Direction::down, 1, 1s, 1}) == Verdict::welcome);
      CHECK(receive(down, 1'000'000).size() == 1'000'000);
    }
    std::optional<Verdict> verdict;
    UniqueFd up;
    for (int tries = 0; tries < 100 && verdict != Verdict::welcome; ++tries) {
      up = connected(at, SOCK_STREAM);  // the stream before may not be over yet
      verdict = greet(up, {Direction::up, 1, 1s, 2});
    }
    REQUIRE(verdict == Verdict::welcome);
    send_all(up, ByteVector(300'000));
    REQUIRE(::shutdown(up.get(), SHUT_WR) == 0);
    const ByteVector reports = receive(up, 100 * kReportBytes);
    REQUIRE(reports.size() >= kReportBytes);
    const auto report = parse_report(ByteView{reports}.last(kReportBytes));
    REQUIRE(report);
    CHECK(report->bytes == 300'000);
    CHECK(report->elapsed > 0us);
  }
}

TEST_CASE("measure service: echoes requests and nothing else", "[unit][measure]")
{
  const auto serving = service();
  for (const UdpEndpoint& at : serving->endpoints()) {
    const UniqueFd udp = connected(at, SOCK_DGRAM);
    const auto reply = format(Echo{Echo::Kind::reply, 1, 1});
    const auto request = format(Echo{Echo::Kind::request, 1, 2});
    send_all(udp, reply);  // two services must not talk to each other for ever
    send_all(udp, test::concat(request, as_bytes("x")));
    send_all(udp, as_bytes("garbage"));
    send_all(udp, {});
    send_all(udp, request);
    const auto answer = parse_echo(receive(udp, kEchoBytes));
    CHECK(answer == Echo{Echo::Kind::reply, 1, 2});
  }
}

TEST_CASE("measure service: garbage is closed without an answer", "[unit][measure]")
{
  const auto serving = service();
  const UniqueFd garbage = connected(serving->endpoints()[0], SOCK_STREAM);
  send_all(garbage, as_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK(receive(garbage, 1).empty());
}

TEST_CASE("measure service: a second test of the same client is told so", "[unit][measure]")
{
  const auto serving = service();
  const UniqueFd first = connected(serving->endpoints()[0], SOCK_STREAM);
  REQUIRE(greet(first, {Direction::down, 2, 10s, 1}) == Verdict::welcome);
  const UniqueFd second = connected(serving->endpoints()[0], SOCK_STREAM);
  CHECK(greet(second, {Direction::down, 2, 10s, 2}) == Verdict::busy);
  CHECK(receive(second, 1).empty());
}

TEST_CASE("measure service: ends at once in the middle of a test", "[unit][measure]")
{
  auto serving = service();
  const UniqueFd fd = connected(serving->endpoints()[0], SOCK_STREAM);
  REQUIRE(greet(fd, {Direction::down, 1, 60s, 1}) == Verdict::welcome);
  const UniqueFd silent = connected(serving->endpoints()[0], SOCK_STREAM);
  const auto before = std::chrono::steady_clock::now();
  serving.reset();
  CHECK(std::chrono::steady_clock::now() - before < 1s);
}

TEST_CASE("measure service: a client that stalls is left", "[unit][measure]")
{
  io::WorkerThread thread;
  StreamServer server{thread.executor(), {}, {.hello = 50ms, .stall = 50ms, .grace = 50ms}};
  UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  REQUIRE(::listen(listener.get(), 16) == 0);  // at any free port
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
  const auto port = from_socket_address(reinterpret_cast<sockaddr*>(&bound), size).port;
  const UdpEndpoint at{ip("127.0.0.1"), port};
  server.serve(at, std::move(listener));

  const UniqueFd silent = connected(at, SOCK_STREAM);
  CHECK(receive(silent, 1).empty());  // says nothing
  const UniqueFd half = connected(at, SOCK_STREAM);
  send_all(half, as_bytes("SLPM"));
  CHECK(receive(half, 1).empty());  // says too little
  const UniqueFd sender = connected(at, SOCK_STREAM);
  REQUIRE(greet(sender, {Direction::up, 1, 60s, 1}) == Verdict::welcome);
  (void)receive(sender, 100 * kReportBytes);  // until it is closed: sends nothing
  const UniqueFd overtime = connected(at, SOCK_STREAM);
  REQUIRE(greet(overtime, {Direction::down, 1, 1ms, 2}) == Verdict::welcome);
  while (!receive(overtime, 1'000'000).empty()) {
  }
  asio::co_spawn(thread.executor(), server.stop(), asio::use_future).wait();
  CHECK(server.book().tests() == 0);
  CHECK(server.book().connections() == 0);
}

}  // namespace slopn::measure
