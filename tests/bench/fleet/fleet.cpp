#include "tests/bench/fleet/fleet.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <thread>

namespace slopn::fleet {
namespace {

using Seconds = std::chrono::duration<double>;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::size_t kUdpPayloadBytes = 65'536;
constexpr Clock::duration kProgressInterval = std::chrono::seconds(1);
// After the last handshake a gateway still probes the path; idle is what comes then.
constexpr Clock::duration kSettleTime = std::chrono::seconds(3);
constexpr std::size_t kCloseBatch = 50;

double percentile(std::vector<double>& values, double share)
{
  if (values.empty()) return 0;
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(rank));
  return values[rank];
}

}  // namespace

Fleet::Fleet(const Options& options, const quic::TlsContext& tls, const std::atomic<bool>& stop)
    : options_(options),
      tls_(tls),
      stop_(stop),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      buffer_(kUdpPayloadBytes)
{
  for (std::size_t i = 0; i < options.clients; ++i) clients_.emplace_back(i);
}

Result<Figures> Fleet::run()
{
  Figures figures;
  if (options_.gateway_pid) figures.gateway_before = probe(*options_.gateway_pid);
  auto opening = open_all();
  if (!opening) return opening.error();
  figures.opening = std::move(*opening);
  for (const Client& client : clients_) {
    if (!client.configured()) continue;
    const auto facts = client.handshake_facts();
    figures.key_exchange_group = facts.key_exchange_group;
    figures.cipher = facts.cipher;
    break;
  }
  if (options_.hold.count() > 0 && !stop_) {
    figures.idle = hold();
    if (options_.gateway_pid) figures.gateway_idle = probe(*options_.gateway_pid);
  }
  close_all();
  if (options_.reconnect && !stop_) {
    auto again = open_all();
    if (!again) return again.error();
    figures.again = std::move(*again);
    close_all();
  }
  return figures;
}

Result<Opening> Fleet::open_all()
{
  opening_ = {};
  delays_ms_.clear();
  finished_ = 0;
  std::size_t started = 0;
  const double cpu_before = gateway_cpu_s();
  const Clock::time_point begin = Clock::now();
  Clock::time_point next_progress = begin + kProgressInterval;
  while (finished_ < clients_.size() && !stop_) {
    while (started < clients_.size() && may_start(started, started - finished_, begin)) {
      if (auto done = start(clients_[started]); !done) return done.error();
      ++started;
    }
    serve(std::chrono::milliseconds(options_.rate_per_s > 0 ? 1 : 100));
    if (Clock::now() >= next_progress) {
      std::fprintf(stderr, "fleet: %zu of %zu sessions open, %zu failed\n", opening_.opened,
                   clients_.size(), finished_ - opening_.opened);
      next_progress += kProgressInterval;
    }
  }
  opening_.seconds = Seconds{Clock::now() - begin}.count();
  opening_.gateway_cpu_s = gateway_cpu_s() - cpu_before;
  opening_.median_ms = percentile(delays_ms_, 0.5);
  opening_.p99_ms = percentile(delays_ms_, 0.99);
  return opening_;
}

bool Fleet::may_start(std::size_t started, std::size_t unfinished, Clock::time_point begin) const
{
  if (unfinished >= options_.concurrency) return false;
  if (options_.rate_per_s <= 0) return true;
  return static_cast<double>(started) <=
         Seconds{Clock::now() - begin}.count() * options_.rate_per_s;
}

Result<> Fleet::start(Client& client)
{
  if (auto done = client.start({tls_, options_.gateway, options_.keep_alive}, Clock::now()); !done)
    return done;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &client;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.socket(), &event) < 0)
    return fail({errno, boost::system::system_category()}, "watch a socket");
  reschedule(client);
  return {};
}

void Fleet::serve(Clock::duration longest)
{
  Clock::duration wait = longest;
  if (!schedule_.empty()) wait = std::min(wait, schedule_.begin()->first - Clock::now());
  const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  std::array<epoll_event, 256> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(std::max<std::int64_t>(wait_ms, 0)));
  for (int i = 0; i < count; ++i) {
    Client& client = *static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
    client.on_readable(buffer_, Clock::now());
    note_outcome(client);
    reschedule(client);
  }
  serve_deadlines();
}

void Fleet::serve_deadlines()
{
  const Clock::time_point now = Clock::now();
  while (!schedule_.empty() && schedule_.begin()->first <= now) {
    Client& client = *schedule_.begin()->second;
    client.on_deadline(now);
    note_outcome(client);
    reschedule(client);
  }
}

void Fleet::reschedule(Client& client)
{
  const Clock::time_point deadline = client.next_deadline();
  if (deadline == client.scheduled_at) return;
  schedule_.erase({client.scheduled_at, &client});
  client.scheduled_at = deadline;
  if (deadline != Clock::time_point::max()) schedule_.emplace(deadline, &client);
}

void Fleet::note_outcome(Client& client)
{
  if (client.counted || (!client.configured() && !client.over())) return;
  client.counted = true;
  ++finished_;
  if (client.over()) {
    ++opening_.failures[client.reason().message()];
    return;
  }
  ++opening_.opened;
  delays_ms_.push_back(Milliseconds{Clock::now() - client.started_at()}.count());
}

Idling Fleet::hold()
{
  const auto serve_for = [&](Clock::duration duration) {
    const Clock::time_point end = Clock::now() + duration;
    while (Clock::now() < end && !stop_) serve(std::min(end - Clock::now(), kProgressInterval));
  };
  std::fprintf(stderr, "fleet: idle for %lld s\n", static_cast<long long>(options_.hold.count()));
  serve_for(kSettleTime);
  Idling idling;
  idling.sessions_before = sessions();
  const double cpu_before = gateway_cpu_s();
  const Clock::time_point begin = Clock::now();
  serve_for(options_.hold);
  idling.seconds = Seconds{Clock::now() - begin}.count();
  idling.gateway_cpu_s = gateway_cpu_s() - cpu_before;
  idling.sessions_after = sessions();
  return idling;
}

// In small batches, so that the gateway's socket keeps all of the farewells.
void Fleet::close_all()
{
  std::size_t closed = 0;
  for (Client& client : clients_) {
    client.stop(Clock::now());
    reschedule(client);
    if (++closed % kCloseBatch == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

std::size_t Fleet::sessions() const noexcept
{
  return static_cast<std::size_t>(std::ranges::count_if(
      clients_, [](const Client& client) { return client.configured() && !client.over(); }));
}

double Fleet::gateway_cpu_s() const
{
  const auto sample = options_.gateway_pid ? probe(*options_.gateway_pid) : std::nullopt;
  return sample ? sample->cpu_s : 0;
}

}  // namespace slopn::fleet
