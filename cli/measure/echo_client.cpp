#include "cli/measure/echo_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace slopn::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLastWait{1'000};

timespec until(steady_clock::time_point deadline)
{
  const auto left = std::max<std::chrono::nanoseconds>(deadline - steady_clock::now(),
                                                       std::chrono::nanoseconds{0});
  const auto whole = std::chrono::floor<std::chrono::seconds>(left);
  return {static_cast<time_t>(whole.count()), static_cast<long>((left - whole).count())};
}

// Takes replies until `deadline`.
void take_until(EchoClient& client, steady_clock::time_point deadline)
{
  while (steady_clock::now() < deadline) (void)client.wait(deadline);
}

void take_last(EchoClient& client)
{
  const auto deadline = steady_clock::now() + kLastWait;
  while (!client.log().all_answered() && steady_clock::now() < deadline)
    (void)client.wait(deadline);
}

}  // namespace

Outcome<EchoClient> EchoClient::open(const MeasureTarget& target)
{
  auto socket = open_udp(target);
  if (!socket) return socket.error();
  return EchoClient{std::move(*socket)};
}

void EchoClient::send()
{
  const auto packet = measure::format(log_.next(steady_clock::now()));
  (void)::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
}

std::optional<EchoLog::Reply> EchoClient::wait(Instant deadline, int stop_fd)
{
  for (;;) {
    std::array<pollfd, 2> fds{{{socket_.get(), POLLIN, 0}, {stop_fd, POLLIN, 0}}};
    const timespec left = until(deadline);
    if (::ppoll(fds.data(), fds.size(), &left, nullptr) <= 0 || fds[1].revents != 0)
      return std::nullopt;
    std::array<std::byte, measure::kEchoBytes + 1> packet{};
    const auto size = ::recv(socket_.get(), packet.data(), packet.size(), 0);
    if (size < 0) continue;  // what ICMP said about an earlier packet: that one is lost
    const auto bytes = ByteView{packet}.first(static_cast<std::size_t>(size));
    if (const auto reply = log_.take(bytes, steady_clock::now())) return reply;
  }
}

EchoResult measure_echoes(EchoClient client, unsigned count, milliseconds interval)
{
  auto due = steady_clock::now();
  for (unsigned i = 0; i < count; ++i) {
    client.send();
    due += interval;
    if (i + 1 < count) take_until(client, due);
  }
  take_last(client);
  return client.log().result();
}

EchoProbe::EchoProbe(EchoClient client, milliseconds interval)
    : client_(std::move(client)), thread_([this, interval] {
        auto due = steady_clock::now();
        while (!stopping_) {
          client_.send();
          due = std::max(due + interval, steady_clock::now());  // no burst after a delay
          take_until(client_, due);
        }
        take_last(client_);
      })
{
}

EchoProbe::~EchoProbe()
{
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

EchoResult EchoProbe::finish()
{
  stopping_ = true;
  thread_.join();
  return client_.log().result();
}

}  // namespace slopn::cli
