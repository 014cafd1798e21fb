#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <deque>
#include <map>
#include <vector>

#include "tests/unit/core/queue/train.hpp"

namespace slopn::queue::test {
namespace {

constexpr std::size_t kPieceBytes = 1250;  // 100 us at 100 Mbit/s
constexpr Clock::duration kTick = 100us;
constexpr Clock::duration kBaseRtt = 10ms;

// A sender that is always hungry and reacts as Reno does: half the window at a loss or a mark, once
// per round trip, and a packet more per round trip otherwise. Lost data is not sent again.
class Reno {
 public:
  Reno(std::uint32_t flow, std::size_t train_pieces, bool ecn)
      : flow_(flow), train_pieces_(train_pieces), ecn_(ecn)
  {
  }

  void send(Queue& queue, Clock::time_point now)
  {
    while (true) {
      const std::uint64_t in_flight = next_id_ - next_ack_;
      const auto window = static_cast<std::uint64_t>(window_);
      if (in_flight + std::min<std::uint64_t>(train_pieces_, window) > window) return;
      const std::size_t pieces = std::min<std::size_t>(train_pieces_, window - in_flight);
      push(queue, {flow_, next_id_, pieces, kPieceBytes, ecn_}, now);
      for (std::size_t i = 0; i < pieces; ++i) sent_at_[next_id_++] = now;
    }
  }

  // The piece reached the bottleneck's other side; its ACK comes a base RTT later.
  void delivered(const Train& train, Clock::time_point now)
  {
    acks_.push_back({now + kBaseRtt, train.id(), train.marks() > 0});
    last_sojourn_ = now - sent_at_.at(train.id());
    sent_at_.erase(sent_at_.begin(), sent_at_.upper_bound(train.id()));
  }

  void take_acks(Clock::time_point now)
  {
    for (; !acks_.empty() && acks_.front().at <= now; acks_.pop_front()) {
      const Ack ack = acks_.front();
      const bool lost = ack.id != next_ack_;
      next_ack_ = ack.id + 1;
      if ((lost || ack.marked) && ack.id >= recovered_at_) {
        window_ = std::max(window_ / 2, 2.0);
        threshold_ = window_;
        recovered_at_ = next_id_;
      } else {
        window_ += window_ < threshold_ ? 1 : 1 / window_;
      }
    }
  }

  [[nodiscard]] Clock::duration last_sojourn() const { return last_sojourn_; }

 private:
  struct Ack {
    Clock::time_point at;
    std::uint64_t id;
    bool marked;
  };

  std::uint32_t flow_;
  std::size_t train_pieces_;
  bool ecn_;
  double window_ = 10;
  double threshold_ = 1e9;
  std::uint64_t next_id_ = 0;
  std::uint64_t next_ack_ = 0;
  std::uint64_t recovered_at_ = 0;
  std::deque<Ack> acks_;
  std::map<std::uint64_t, Clock::time_point> sent_at_;
  Clock::duration last_sojourn_{};
};

struct Outcome {
  double mean_delay_ms = 0;      // of the hungry flow
  double late_delay_ms = 0;      // its 99th percentile
  double max_ping_delay_ms = 0;  // of the sparse one
  double utilisation = 0;
};

double to_ms(Clock::duration duration)
{
  return std::chrono::duration<double, std::milli>(duration).count();
}

// 20 s at 100 Mbit/s with a ping of 100 bytes every 20 ms; the first 5 s do not count.
Outcome simulate(const FqCodelOptions& options, std::size_t train_pieces, bool ecn)
{
  constexpr std::uint32_t kPingFlow = 9;
  Queue queue{options};
  Reno reno{1, train_pieces, ecn};
  Outcome outcome;
  std::vector<double> delays;
  std::size_t bytes = 0;
  std::size_t credit_bytes = 0;
  constexpr int kWarmUp = 50'000;
  constexpr int kTicks = 200'000;
  for (int tick = 0; tick < kTicks; ++tick) {
    const auto now = kStart + tick * kTick;
    reno.take_acks(now);
    reno.send(queue, now);
    if (tick % 200 == 0) {
      push(queue, {kPingFlow, static_cast<std::uint64_t>(tick), 1, 100}, now);
    }
    credit_bytes = std::min(credit_bytes, kPieceBytes) + kPieceBytes;
    while (const Train* const train = queue.front(now)) {
      if (train->next_bytes() > credit_bytes) break;
      credit_bytes -= train->next_bytes();
      if (train->flow() == kPingFlow) {
        const auto waited = (tick - static_cast<int>(train->id())) * kTick;
        outcome.max_ping_delay_ms = std::max(outcome.max_ping_delay_ms, to_ms(waited));
      } else {
        reno.delivered(*train, now);
        if (tick >= kWarmUp) {
          delays.push_back(to_ms(reno.last_sojourn()));
          bytes += train->next_bytes();
        }
      }
      queue.pop();
    }
  }
  std::sort(delays.begin(), delays.end());
  for (const double delay : delays) outcome.mean_delay_ms += delay;
  outcome.mean_delay_ms /= static_cast<double>(delays.size());
  outcome.late_delay_ms = delays[delays.size() * 99 / 100];
  outcome.utilisation =
      static_cast<double>(bytes) / (static_cast<double>(kTicks - kWarmUp) * kPieceBytes);
  return outcome;
}

}  // namespace

TEST_CASE("fq_codel: a hungry flow's delay settles near the target", "[unit][queue]")
{
  const bool ecn = GENERATE(false, true);
  const std::size_t train_pieces = GENERATE(1U, 16U, 45U);
  const Outcome outcome = simulate({.max_bytes = 4'000'000}, train_pieces, ecn);
  CAPTURE(ecn, train_pieces, outcome.mean_delay_ms, outcome.late_delay_ms,
          outcome.max_ping_delay_ms, outcome.utilisation);
  CHECK(outcome.mean_delay_ms > 1.5);
  CHECK(outcome.mean_delay_ms < 6);
  CHECK(outcome.late_delay_ms < 12);
  CHECK(outcome.max_ping_delay_ms < 0.5);
  CHECK(outcome.utilisation > 0.9);
}

TEST_CASE("fq_codel: without CoDel the same flow fills the queue, and only it waits",
          "[unit][queue]")
{
  const Outcome outcome = simulate({.target = 1h, .max_bytes = 2'000'000}, 16, false);
  CAPTURE(outcome.mean_delay_ms, outcome.late_delay_ms, outcome.utilisation);
  CHECK(outcome.mean_delay_ms > 50);
  CHECK(outcome.max_ping_delay_ms < 0.5);
}

}  // namespace slopn::queue::test
