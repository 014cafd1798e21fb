#include "daemon/measure/stream_server.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "libtunnel/base/socket_address.hpp"

namespace slopn::measure {
namespace {

using Instant = std::chrono::steady_clock::time_point;
using asio::ip::tcp;

// What one stream moves before the others, and the echoes, have their turn.
constexpr std::size_t kTurnBytes = 64 * 1024;
constexpr int kUnsentBytes = 128 * 1024;
constexpr auto kAcceptPause = std::chrono::milliseconds(200);

constexpr std::array<std::byte, kTurnBytes> kFiller{};

enum class Moved { some, nothing_now, ended };

Moved result_of(ssize_t moved) noexcept
{
  if (moved > 0) return Moved::some;
  if (moved < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Moved::nothing_now;
  if (moved < 0 && errno == EINTR) return Moved::some;
  return Moved::ended;
}

std::chrono::milliseconds left_until(Instant end)
{
  return std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
}

IpAddress address_of(const tcp::endpoint& endpoint)
{
  return from_socket_address(endpoint.data(), static_cast<socklen_t>(endpoint.size())).address;
}

}  // namespace

/// One stream of a test, from the answer to its hello on.
struct StreamServer::Stream {
  Stream(Socket& its_socket, const Hello& its_hello, Instant now) noexcept
      : socket(its_socket), hello(its_hello), begun(now)
  {
  }

  Moved move() noexcept { return hello.direction == Direction::down ? send() : receive(); }

  Moved send() noexcept
  {
    return result_of(::send(socket.native_handle(), kFiller.data(), kFiller.size(),
                            MSG_DONTWAIT | MSG_NOSIGNAL));
  }

  // MSG_TRUNC: the kernel throws the bytes away without copying them (tcp(7)).
  Moved receive() noexcept
  {
    const auto size =
        ::recv(socket.native_handle(), nullptr, 4 * kTurnBytes, MSG_DONTWAIT | MSG_TRUNC);
    if (size > 0) received_bytes += static_cast<std::uint64_t>(size);
    return result_of(size);
  }

  // False: the client does not read its reports, so it is not one of ours.
  bool report(Instant now) noexcept
  {
    if (hello.direction != Direction::up || now < next_report) return true;
    next_report = now + kReportInterval;
    const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - begun);
    const auto bytes = format(Report{received_bytes, elapsed});
    const auto size =
        ::send(socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return size == static_cast<ssize_t>(bytes.size());
  }

  Socket& socket;
  Hello hello;
  Instant begun;
  Instant next_report{};
  std::uint64_t received_bytes = 0;
};

StreamServer::StreamServer(asio::any_io_executor executor, TestLimits limits,
                           StreamTimeouts timeouts)
    : executor_(executor), timeouts_(timeouts), book_(limits), tasks_(executor)
{
}

void StreamServer::serve(const UdpEndpoint& at, UniqueFd listener)
{
  const auto protocol = at.address.is_v4() ? tcp::v4() : tcp::v6();
  tasks_.spawn(accept_all(tcp::acceptor{executor_, protocol, listener.release()}));
}

asio::awaitable<void> StreamServer::stop()
{
  tasks_.cancel();
  co_await tasks_.join();
}

asio::awaitable<void> StreamServer::accept_all(tcp::acceptor listener)
{
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::steady_timer pause{executor_};
  for (;;) {
    tcp::endpoint remote;
    auto [ec, socket] = co_await listener.async_accept(remote, with_ec);
    bool stop = co_await stop_requested();
    if (stop) co_return;
    if (ec) {  // out of descriptors, or a client that went away at once
      pause.expires_after(kAcceptPause);
      [[maybe_unused]] const auto [ignored] = co_await pause.async_wait(with_ec);
      stop = co_await stop_requested();
      if (stop) co_return;
      continue;
    }
    const IpAddress client = address_of(remote);
    if (book_.come(client)) tasks_.spawn(welcome(std::move(socket), client));
  }
}

asio::awaitable<void> StreamServer::welcome(Socket socket, IpAddress client)
{
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await talk(socket, client);
  book_.leave(client);
}

asio::awaitable<void> StreamServer::talk(Socket& socket, const IpAddress& client)
{
  std::array<std::byte, kHelloBytes> bytes{};
  const auto [read_error, read_size] = co_await asio::async_read(
      socket, asio::buffer(bytes), asio::cancel_after(timeouts_.hello, with_ec));
  if (read_error || read_size != bytes.size()) co_return;
  const auto hello = parse_hello(bytes);
  if (!hello) co_return;

  const Verdict verdict = book_.begin_stream(client, *hello);
  const auto answer = format(verdict);
  const auto [write_error, write_size] = co_await asio::async_write(
      socket, asio::buffer(answer), asio::cancel_after(timeouts_.hello, with_ec));
  if (verdict != Verdict::welcome) co_return;
  if (!write_error && write_size == answer.size()) {
    Stream stream{socket, *hello, std::chrono::steady_clock::now()};
    co_await transfer(stream);
  }
  book_.end_stream(client, *hello);
}

asio::awaitable<void> StreamServer::transfer(Stream& stream)
{
  boost::system::error_code ignored;
  stream.socket.non_blocking(true, ignored);
  // Little waits unsent in the kernel, so that a stream that is over leaves no tail behind.
  (void)::setsockopt(stream.socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytes,
                     sizeof kUnsentBytes);
  const Instant end = stream.begun + stream.hello.duration + timeouts_.grace;
  for (;;) {
    const Moved moved = stream.move();
    const Instant now = std::chrono::steady_clock::now();
    if (moved == Moved::ended) stream.next_report = now;  // the last one holds everything
    const bool well = stream.report(now);
    if (moved == Moved::ended || now >= end || !well) co_return;
    if (moved == Moved::some) {
      co_await asio::post(executor_, asio::use_awaitable);
    } else {
      const auto patience = std::min(timeouts_.stall, left_until(end));
      const bool ready = co_await wait_ready(stream, patience);
      if (!ready) co_return;
    }
    const bool stop = co_await stop_requested();
    if (stop) co_return;
  }
}

// False when nothing can be moved for `patience`.
asio::awaitable<bool> StreamServer::wait_ready(Stream& stream, std::chrono::milliseconds patience)
{
  const auto what =
      stream.hello.direction == Direction::down ? Socket::wait_write : Socket::wait_read;
  const auto [ec] = co_await stream.socket.async_wait(what, asio::cancel_after(patience, with_ec));
  co_return !ec;
}

}  // namespace slopn::measure
