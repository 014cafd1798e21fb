#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <utility>

#include "tests/unit/core/queue/train.hpp"

namespace slopn::queue::test {
namespace {

// FQ-CoDel as simple as it can be said: single pieces in deques, flows in lists, sums by counting.
class Model {
 public:
  struct Piece {
    std::uint64_t id;
    std::size_t bytes;
    bool ecn_capable;
    Clock::time_point arrived;
    std::size_t train;  // counts as one packet
    int marks = 0;
  };

  explicit Model(const FqCodelOptions& options) : options_(options) {}

  void push(const Train::Spec& spec, Clock::time_point now)
  {
    Flow& flow = flows_[spec.flow];
    if (!flow.order) flow.order = ++orders_;
    ++trains_;
    for (std::size_t i = 0; i < spec.pieces; ++i) {
      flow.pieces.push_back({spec.id + i, spec.piece_bytes, spec.ecn_capable, now, trains_});
    }
    if (!is_in(new_, spec.flow) && !is_in(old_, spec.flow)) {
      flow.deficit = options_.quantum_bytes;
      new_.push_back(spec.flow);
    }
    while (bytes() > options_.max_bytes || packets() > options_.max_packets) overflow();
    settle();
  }

  Piece* front(Clock::time_point now)
  {
    while (!due_ && bytes() > 0) {
      std::list<std::uint32_t>& list = new_.empty() ? old_ : new_;
      const std::uint32_t number = list.front();
      Flow& flow = flows_.at(number);
      if (flow.deficit <= 0) {
        flow.deficit += options_.quantum_bytes;
        old_.splice(old_.end(), list, list.begin());
      } else if (codel_lets_one_pass(flow, now)) {
        due_ = number;
      } else if (&list == &new_ && !old_.empty()) {
        old_.splice(old_.end(), list, list.begin());
      } else {
        list.pop_front();
      }
    }
    return due_ ? &flows_.at(*due_).pieces.front() : nullptr;
  }

  void pop()
  {
    Flow& flow = flows_.at(*due_);
    flow.deficit -= static_cast<std::int64_t>(flow.pieces.front().bytes);
    flow.pieces.pop_front();
    due_.reset();
    settle();
  }

  // The queue may forget which flows there were; what it does must not change otherwise.
  void released()
  {
    for (auto& [number, flow] : flows_) flow.order.reset();
  }

  [[nodiscard]] std::size_t bytes() const
  {
    std::size_t sum = 0;
    for (const auto& [number, flow] : flows_) sum += flow.bytes();
    return sum;
  }
  [[nodiscard]] std::size_t packets() const
  {
    std::size_t count = 0;
    for (const auto& [number, flow] : flows_) {
      for (std::size_t i = 0; i < flow.pieces.size(); ++i) {
        count += i == 0 || flow.pieces[i].train != flow.pieces[i - 1].train ? 1 : 0;
      }
    }
    return count;
  }
  [[nodiscard]] const FqCodelCounters& counters() const { return counters_; }

 private:
  struct Flow {
    std::deque<Piece> pieces;
    std::int64_t deficit = 0;
    Codel codel;
    std::optional<int> order;  // in which the flows were seen

    [[nodiscard]] std::size_t bytes() const
    {
      std::size_t sum = 0;
      for (const Piece& piece : pieces) sum += piece.bytes;
      return sum;
    }
  };

  static bool is_in(const std::list<std::uint32_t>& list, std::uint32_t flow)
  {
    return std::find(list.begin(), list.end(), flow) != list.end();
  }

  bool codel_lets_one_pass(Flow& flow, Clock::time_point now)
  {
    const CodelOptions codel{options_.target, options_.interval, options_.quantum_bytes};
    while (!flow.pieces.empty()) {
      Piece& piece = flow.pieces.front();
      if (!flow.codel.should_signal(codel, now, now - piece.arrived, flow.bytes() - piece.bytes)) {
        return true;
      }
      if (piece.ecn_capable) {
        ++piece.marks;
        ++counters_.ce_marks;
        return true;
      }
      flow.pieces.pop_front();
      ++counters_.codel_drops;
    }
    return false;
  }

  void overflow()
  {
    // Of equally fat ones the flow that was seen first.
    const auto slimmer = [](const auto& a, const auto& b) {
      return std::pair{a.second.bytes(), b.second.order} <
             std::pair{b.second.bytes(), a.second.order};
    };
    auto& [fattest, flow] = *std::max_element(flows_.begin(), flows_.end(), slimmer);
    const std::size_t half = flow.bytes() / 2;
    for (int i = 0; i < 64 && (i == 0 || flow.bytes() > half); ++i) {
      flow.pieces.pop_front();
      ++counters_.overflow_drops;
    }
    if (due_ == fattest) due_.reset();
  }

  void settle()
  {
    if (bytes() > 0) return;
    new_.clear();
    old_.clear();
    due_.reset();
  }

  FqCodelOptions options_;
  std::map<std::uint32_t, Flow> flows_;
  std::list<std::uint32_t> new_;
  std::list<std::uint32_t> old_;
  std::optional<std::uint32_t> due_;
  std::size_t trains_ = 0;
  int orders_ = 0;
  FqCodelCounters counters_;
};

class Walk {
 public:
  Walk(const FqCodelOptions& options, unsigned seed)
      : options_(options), queue_(options), model_(options), random_(seed)
  {
  }

  void push()
  {
    Train::Spec spec;
    spec.flow = below(below(3) == 0 ? 20 : 3);
    spec.pieces = below(4) == 0 ? 1 + below(20) : 1;
    spec.piece_bytes = below(2) == 0 ? 1400 : 20 + below(1481);
    spec.ecn_capable = spec.flow % 2 == 0;
    spec.id = next_id_;
    next_id_ += spec.pieces;
    test::push(queue_, spec, now_);
    model_.push(spec, now_);
  }

  void look()
  {
    const Train* const train = queue_.front(now_);
    const Model::Piece* const piece = model_.front(now_);
    REQUIRE((train == nullptr) == (piece == nullptr));
    if (train == nullptr) return;
    REQUIRE(train->id() == piece->id);
    REQUIRE(train->next_bytes() == piece->bytes);
    REQUIRE(train->marks() == piece->marks);
    REQUIRE(train->marks() <= (train->ecn_capable() ? 1 : 0));
  }

  void send()
  {
    look();
    const Train* const train = queue_.front(now_);
    if (train == nullptr) return;
    // First in, first out: ids only grow in a flow.
    std::uint64_t& last = last_sent_[train->flow()];
    REQUIRE(train->id() >= last);
    last = train->id() + 1;
    ++sent_;
    queue_.pop();
    model_.pop();
  }

  void step()
  {
    // Phases in which more comes than goes, and the other way round.
    const bool busy = steps_++ / 2000 % 2 == 0;
    const unsigned choice = below(busy ? 10 : 60);
    if (choice < 4) {
      push();
    } else if (choice < 6) {
      look();
    } else {
      send();
    }
    now_ += std::chrono::microseconds{below(below(500) == 0 ? 300'000 : 500)};
    if (queue_.empty() && below(10) == 0) {
      now_ += 1600ms;
      if (queue_.release_if_idle(now_)) {
        model_.released();
        ++releases_;
      }
    }
    check();
  }

  void check()
  {
    REQUIRE(queue_.size_bytes() == model_.bytes());
    REQUIRE(queue_.size_packets() == model_.packets());
    REQUIRE(queue_.empty() == (model_.bytes() == 0));
    REQUIRE(queue_.size_bytes() <= options_.max_bytes);
    REQUIRE(queue_.size_packets() <= options_.max_packets);
    REQUIRE(queue_.counters().codel_drops == model_.counters().codel_drops);
    REQUIRE(queue_.counters().overflow_drops == model_.counters().overflow_drops);
    REQUIRE(queue_.counters().ce_marks == model_.counters().ce_marks);
  }

  // Nothing is lost, and nothing is sent twice.
  void finish()
  {
    while (!queue_.empty()) send();
    CHECK(sent_ + queue_.counters().codel_drops + queue_.counters().overflow_drops == next_id_);
  }

  [[nodiscard]] const FqCodelCounters& counters() const { return queue_.counters(); }
  [[nodiscard]] unsigned releases() const { return releases_; }

 private:
  unsigned below(unsigned end) { return static_cast<unsigned>(random_() % end); }

  FqCodelOptions options_;
  Queue queue_;
  Model model_;
  std::mt19937 random_;
  Clock::time_point now_ = kStart;
  std::uint64_t next_id_ = 0;
  std::uint64_t sent_ = 0;
  unsigned steps_ = 0;
  unsigned releases_ = 0;
  std::map<std::uint32_t, std::uint64_t> last_sent_;
};

}  // namespace

TEST_CASE("fq_codel: does what a simple model does", "[unit][queue]")
{
  const auto options =
      GENERATE(FqCodelOptions{.max_bytes = 150'000},
               FqCodelOptions{.interval = 10ms, .max_bytes = 20'000, .quantum_bytes = 300},
               FqCodelOptions{.max_packets = 30}, FqCodelOptions{.interval = 10ms});
  const unsigned seed = GENERATE(range(1U, 4U));
  CAPTURE(options.max_bytes, options.max_packets, seed);
  Walk walk{options, seed};
  for (int i = 0; i < 10'000; ++i) walk.step();
  CHECK(walk.counters().codel_drops > 0);
  CHECK(walk.counters().ce_marks > 0);
  CHECK(walk.releases() > 0);
  walk.finish();
}

}  // namespace slopn::queue::test
