#include "daemon/measure/echo_server.hpp"

#include <sys/socket.h>

#include <array>
#include <chrono>

namespace slopn::measure {
namespace {

constexpr int kBatch = 64;  // then the others on the thread have their turn

}  // namespace

EchoServer::EchoServer(asio::any_io_executor executor, UniqueFd socket)
    : socket_(std::move(executor), socket.release())
{
}

asio::awaitable<void> EchoServer::run()
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    [[maybe_unused]] const auto [ec] =
        co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read, with_ec);
    const bool stop = co_await stop_requested();
    if (stop || ec) co_return;
    answer_batch();
  }
}

void EchoServer::answer_batch()
{
  const int fd = socket_.native_handle();
  for (int i = 0; i < kBatch; ++i) {
    std::array<std::byte, kEchoBytes + 1> bytes{};  // one more, to tell longer ones
    sockaddr_storage sender{};
    socklen_t sender_size = sizeof sender;
    auto* const address = reinterpret_cast<sockaddr*>(&sender);
    const auto size =
        ::recvfrom(fd, bytes.data(), bytes.size(), MSG_DONTWAIT, address, &sender_size);
    // What ICMP reported about an earlier reply is an error too, and takes nothing from us.
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (size < 0) continue;
    auto echo = parse_echo(ByteView{bytes}.first(static_cast<std::size_t>(size)));
    if (!echo || echo->kind != Echo::Kind::request) continue;
    if (!limit_.allow(std::chrono::steady_clock::now())) continue;
    echo->kind = Echo::Kind::reply;
    const auto reply = format(*echo);
    // A full queue loses the reply, as it would lose any packet.
    (void)::sendto(fd, reply.data(), reply.size(), MSG_DONTWAIT, address, sender_size);
  }
}

}  // namespace slopn::measure
