#include "cli/measure/load.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

namespace slopn::cli {
namespace {

using measure::Direction;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using Instant = steady_clock::time_point;

constexpr seconds kAnswerTimeout{5};
constexpr seconds kBusyPatience{5};
constexpr milliseconds kBusyPause{250};
constexpr milliseconds kTick{100};
constexpr std::size_t kSendBytes = 128 * 1024;
constexpr std::size_t kReceiveBytes = 1024 * 1024;
constexpr int kUnsentBytes = 256 * 1024;

Failure ended(const std::string& why)
{
  return {ExitCode::failed, "peer_closed", "the gateway ended the test: " + why,
          "does the tunnel still stand? slopnctl status"};
}

const Failure& busy()
{
  static const Failure failure{ExitCode::failed, "busy",
                               "the gateway is busy with other measurements",
                               "try again in a minute"};
  return failure;
}

struct Stream {
  UniqueFd fd;
  std::uint64_t bytes = 0;  // that arrived
  microseconds elapsed{0};  // until then, as an upload's receiver says
  std::array<std::byte, measure::kReportBytes> report{};
  std::size_t report_bytes = 0;
  bool over = false;
};

/// All streams of one test.
class Test {
 public:
  Test(const LoadOrder& order, std::vector<UniqueFd> sockets) : order_(order)
  {
    for (UniqueFd& fd : sockets) streams_.push_back({.fd = std::move(fd)});
  }

  /// Says hello on each stream and waits for the answers.
  Outcome<measure::Verdict> greet();
  Outcome<Load> run(const LoadProgress& progress);

 private:
  [[nodiscard]] bool up() const { return order_.direction == Direction::up; }
  void wait_for_any();
  void move(Stream& stream, short events);
  void send(Stream& stream);
  void receive(Stream& stream);
  void read_reports(Stream& stream);
  [[nodiscard]] std::uint64_t arrived() const;
  [[nodiscard]] Load result(microseconds elapsed) const;

  LoadOrder order_;
  std::vector<Stream> streams_;
};

Outcome<measure::Verdict> read_answer(int fd, Instant deadline)
{
  std::array<std::byte, measure::kAnswerBytes> answer{};
  std::size_t have = 0;
  while (have < answer.size()) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    pollfd one{fd, POLLIN, 0};
    if (::poll(&one, 1, std::max(static_cast<int>(left.count()), 0)) == 0)
      return ended("timed out");
    const auto size = ::recv(fd, answer.data() + have, answer.size() - have, 0);
    if (size == 0) return busy();  // it has no room even to say so
    if (size < 0 && errno != EAGAIN && errno != EINTR) return busy();
    if (size > 0) have += static_cast<std::size_t>(size);
  }
  const auto verdict = measure::parse_answer(answer);
  if (!verdict) {
    return Failure{ExitCode::failed, "protocol_violation",
                   "what answers is not a measurement service of this version", ""};
  }
  return *verdict;
}

Outcome<measure::Verdict> Test::greet()
{
  const auto hello =
      measure::format(measure::Hello{order_.direction, static_cast<std::uint8_t>(order_.streams),
                                     order_.duration, random_test_number()});
  for (const Stream& stream : streams_) {
    (void)::setsockopt(stream.fd.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytes,
                       sizeof kUnsentBytes);
    // The first bytes of a connection always fit into its buffer.
    if (::send(stream.fd.get(), hello.data(), hello.size(), MSG_NOSIGNAL) < 0)
      return ended("connection lost");
  }
  const Instant deadline = steady_clock::now() + kAnswerTimeout;
  for (const Stream& stream : streams_) {
    auto verdict = read_answer(stream.fd.get(), deadline);
    if (!verdict || *verdict != measure::Verdict::welcome) return verdict;
  }
  return measure::Verdict::welcome;
}

Outcome<Load> Test::run(const LoadProgress& progress)
{
  const Instant start = steady_clock::now();
  const Instant end = start + order_.duration;
  seconds told{0};
  std::uint64_t told_bytes = 0;
  while (steady_clock::now() < end) {
    wait_for_any();
    if (std::ranges::all_of(streams_, &Stream::over)) {
      if (steady_clock::now() + kTick >= end) break;
      return ended("all connections are closed");
    }
    const auto at = std::chrono::floor<seconds>(steady_clock::now() - start);
    if (at == told) continue;
    const std::uint64_t now_arrived = arrived();
    progress(at, rate_of(now_arrived - told_bytes, at - told));
    told = at;
    told_bytes = now_arrived;
  }
  if (arrived() == 0) {
    return Failure{ExitCode::timed_out, "timed_out",
                   "connections come about, but nothing that is sent over them arrives",
                   "large packets may be lost on the way: compare slopnctl ping"};
  }
  return result(std::chrono::duration_cast<microseconds>(steady_clock::now() - start));
}

void Test::wait_for_any()
{
  std::vector<pollfd> fds;
  for (const Stream& stream : streams_) {
    const short events = up() ? POLLIN | POLLOUT : POLLIN;
    fds.push_back({stream.over ? -1 : stream.fd.get(), events, 0});
  }
  if (::poll(fds.data(), fds.size(), static_cast<int>(kTick.count())) <= 0) return;
  for (std::size_t i = 0; i < fds.size(); ++i) move(streams_[i], fds[i].revents);
}

void Test::move(Stream& stream, short events)
{
  if (events == 0) return;
  if (!up()) return receive(stream);
  if ((events & (POLLIN | POLLERR | POLLHUP)) != 0) read_reports(stream);
  if ((events & POLLOUT) != 0 && !stream.over) send(stream);
}

void Test::send(Stream& stream)
{
  static constexpr std::array<std::byte, kSendBytes> kFiller{};
  const auto size = ::send(stream.fd.get(), kFiller.data(), kFiller.size(), MSG_NOSIGNAL);
  if (size < 0 && errno != EAGAIN && errno != EINTR) stream.over = true;
}

// MSG_TRUNC: the kernel throws the bytes away without copying them (tcp(7)).
void Test::receive(Stream& stream)
{
  const auto size = ::recv(stream.fd.get(), nullptr, kReceiveBytes, MSG_TRUNC);
  if (size > 0) stream.bytes += static_cast<std::uint64_t>(size);
  if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) stream.over = true;
}

void Test::read_reports(Stream& stream)
{
  for (;;) {
    const auto size = ::recv(stream.fd.get(), stream.report.data() + stream.report_bytes,
                             stream.report.size() - stream.report_bytes, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) {
      stream.over = true;
      return;
    }
    stream.report_bytes += static_cast<std::size_t>(size);
    if (stream.report_bytes < stream.report.size()) continue;
    stream.report_bytes = 0;
    const auto report = measure::parse_report(stream.report);
    if (!report || report->bytes < stream.bytes) {
      stream.over = true;  // it makes things up
      return;
    }
    stream.bytes = report->bytes;
    stream.elapsed = report->elapsed;
  }
}

std::uint64_t Test::arrived() const
{
  std::uint64_t bytes = 0;
  for (const Stream& stream : streams_) bytes += stream.bytes;
  return bytes;
}

Load Test::result(microseconds elapsed) const
{
  Load load{arrived(), elapsed, rate_of(arrived(), elapsed)};
  if (!up()) return load;
  // Each stream by the clock of its last report, which is a little older than ours.
  const microseconds oldest = elapsed - 2 * measure::kReportInterval;
  load.rate_bits_per_s = 0;
  for (const Stream& stream : streams_)
    load.rate_bits_per_s += rate_of(stream.bytes, std::max(stream.elapsed, oldest));
  return load;
}

}  // namespace

std::uint64_t rate_of(std::uint64_t bytes, microseconds elapsed)
{
  if (elapsed.count() <= 0) return 0;
  return static_cast<std::uint64_t>(static_cast<double>(bytes) * 8e6 /
                                    static_cast<double>(elapsed.count()));
}

Outcome<Load> run_load(const MeasureTarget& target, const LoadOrder& order,
                       const LoadProgress& progress)
{
  const Instant give_up = steady_clock::now() + kBusyPatience;
  for (;;) {
    auto sockets = open_tcp(target, order.streams);
    if (!sockets) return sockets.error();
    Test test{order, std::move(*sockets)};
    const auto verdict = test.greet();
    if (verdict && *verdict == measure::Verdict::welcome) return test.run(progress);
    // A test of ours that is just ending counts, too.
    const bool is_busy = verdict || verdict.error().reason == busy().reason;
    if (!is_busy) return verdict.error();
    if (steady_clock::now() > give_up) return busy();
    std::this_thread::sleep_for(kBusyPause);
  }
}

}  // namespace slopn::cli
