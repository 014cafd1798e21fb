#include "libtunnel/core/queue/fq_codel.hpp"

#include <catch2/catch_test_macros.hpp>
#include <map>
#include <memory>
#include <vector>

#include "tests/unit/core/queue/train.hpp"

namespace slopn::queue::test {
namespace {

// 10,000 idle sessions have one each.
static_assert(sizeof(Queue) <= 150);

// The ids in the order they leave, all at `now`.
std::vector<std::uint64_t> drain(Queue& queue, Clock::time_point now = kStart)
{
  std::vector<std::uint64_t> ids;
  while (const Train* const train = queue.front(now)) {
    ids.push_back(train->id());
    queue.pop();
  }
  return ids;
}

template <class AnyQueue>
void send_one(AnyQueue& queue, Clock::time_point now = kStart)
{
  REQUIRE(queue.front(now) != nullptr);
  queue.pop();
}

using Ids = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("fq_codel: is empty at first and again", "[unit][queue]")
{
  Queue queue{{}};
  CHECK(queue.empty());
  CHECK(queue.front(kStart) == nullptr);
  push(queue, {.id = 1});
  CHECK_FALSE(queue.empty());
  CHECK(queue.size_bytes() == 1000);
  CHECK(drain(queue) == Ids{1});
  CHECK(queue.empty());
  CHECK(queue.size_bytes() == 0);
  CHECK(queue.front(kStart) == nullptr);
}

TEST_CASE("fq_codel: keeps the order within a flow", "[unit][queue]")
{
  Queue queue{{}};
  Ids expected;
  for (std::uint64_t id = 0; id < 50; ++id) {
    push(queue, {.id = id});
    expected.push_back(id);
  }
  CHECK(drain(queue) == expected);
}

TEST_CASE("fq_codel: a super-packet leaves piece by piece", "[unit][queue]")
{
  Queue queue{{}};
  push(queue, {.id = 10, .pieces = 3});
  push(queue, {.id = 20, .pieces = 2});
  CHECK(queue.size_packets() == 2);
  CHECK(queue.size_bytes() == 5000);
  REQUIRE(queue.front(kStart) != nullptr);
  queue.pop();
  CHECK(queue.size_bytes() == 4000);
  CHECK(queue.size_packets() == 2);
  CHECK(drain(queue) == Ids{11, 12, 20, 21});
}

TEST_CASE("fq_codel: front() is the same piece until pop()", "[unit][queue]")
{
  Queue queue{{}};
  push(queue, {.flow = 1, .id = 100, .pieces = 5});
  REQUIRE(queue.front(kStart)->id() == 100);
  queue.pop();
  send_one(queue);  // flow 1 has used its turn up
  REQUIRE(queue.front(kStart)->id() == 102);
  push(queue, {.flow = 2, .id = 200});  // would be first
  CHECK(queue.front(kStart)->id() == 102);
  CHECK(queue.front(kStart + 1s)->id() == 102);
  queue.pop();
  CHECK(queue.front(kStart)->id() == 200);
}

TEST_CASE("fq_codel: flows take turns by bytes, not by packets", "[unit][queue]")
{
  Queue queue{{}};
  for (int i = 0; i < 400; ++i) {
    push(queue, {.flow = 1, .piece_bytes = 1400});
    for (int k = 0; k < 7; ++k) push(queue, {.flow = 2, .piece_bytes = 200});
  }
  push(queue, {.flow = 3, .pieces = 400, .piece_bytes = 1400});
  std::map<std::uint32_t, std::size_t> bytes;
  for (std::size_t sent = 0; sent < 600'000;) {
    const Train* const train = queue.front(kStart);
    bytes[train->flow()] += train->next_bytes();
    sent += train->next_bytes();
    queue.pop();
  }
  for (const std::uint32_t flow : {1U, 2U, 3U}) {
    CHECK(bytes[flow] > 196'000);
    CHECK(bytes[flow] < 204'000);
  }
}

TEST_CASE("fq_codel: a flow that begins to send goes before those that wait", "[unit][queue]")
{
  Queue queue{{}};
  push(queue, {.flow = 1, .id = 100, .pieces = 20});
  push(queue, {.flow = 2, .id = 200, .pieces = 20});
  for (int i = 0; i < 6; ++i) {
    send_one(queue);
  }
  push(queue, {.flow = 3, .id = 300, .piece_bytes = 100});
  CHECK(queue.front(kStart)->id() == 300);
}

TEST_CASE("fq_codel: a flow of single packets does not starve the others", "[unit][queue]")
{
  // Flow 2 has a new packet as often as one leaves: were it new each time, flow 1 would never send.
  Queue queue{{}};
  push(queue, {.flow = 1, .pieces = 100});
  send_one(queue);
  send_one(queue);
  int sent_of_1 = 0;
  for (int i = 0; i < 100; ++i) {
    push(queue, {.flow = 2});
    sent_of_1 += queue.front(kStart)->flow() == 1 ? 1 : 0;
    queue.pop();
  }
  CHECK(sent_of_1 > 45);
}

TEST_CASE("fq_codel: flows that wait for nothing else begin anew", "[unit][queue]")
{
  Queue queue{{}};
  push(queue, {.flow = 1, .id = 10, .pieces = 2});
  CHECK(drain(queue) == Ids{10, 11});  // and its turn is used up
  push(queue, {.flow = 1, .id = 12});
  push(queue, {.flow = 2, .id = 20});
  CHECK(drain(queue) == Ids{12, 20});
}

TEST_CASE("fq_codel: drops from the head once a flow is late for an interval", "[unit][queue]")
{
  Queue queue{{}};
  push(queue, {.id = 0, .pieces = 500});
  Ids ids;
  for (auto at = kStart; at < kStart + 250ms; at += 1ms) {
    ids.push_back(queue.front(at)->id());
    queue.pop();
  }
  // Late from 5 ms on: 105 ms, then 100 ms later. Piece 105 was never sent, nor the one at 205 ms.
  CHECK(queue.counters().codel_drops == 2);
  CHECK(queue.counters().ce_marks == 0);
  CHECK(ids[104] == 104);
  CHECK(ids[105] == 106);
  CHECK(ids[204] == 205);
  CHECK(ids[205] == 207);
}

TEST_CASE("fq_codel: marks what is ECN-capable, on the same schedule", "[unit][queue]")
{
  Queue queue{{}};
  push(queue, {.id = 0, .pieces = 500, .ecn_capable = true});
  Ids marked;
  for (std::uint64_t id = 0; id < 250; ++id) {
    const auto at = kStart + id * 1ms;
    const Train* const train = queue.front(at);
    CHECK(train->id() == id);
    CHECK(queue.front(at + 1h) == train);  // asked again: not marked again
    if (train->marks() == 1) marked.push_back(id);
    CHECK(train->marks() < 2);
    queue.pop();
  }
  CHECK(marked == Ids{105, 205});
  CHECK(queue.counters().ce_marks == 2);
  CHECK(queue.counters().codel_drops == 0);
}

TEST_CASE("fq_codel: drops ECN-capable packets too when told to", "[unit][queue]")
{
  Queue queue{{.ecn = false}};
  push(queue, {.pieces = 500, .ecn_capable = true});
  for (auto at = kStart; at < kStart + 110ms; at += 1ms) {
    CHECK(queue.front(at)->marks() == 0);
    queue.pop();
  }
  CHECK(queue.counters().codel_drops == 1);
}

TEST_CASE("fq_codel: a late flow does not cost its neighbour anything", "[unit][queue]")
{
  Queue queue{{}};
  push(queue, {.flow = 1, .pieces = 1000});
  std::uint64_t late = 0;
  for (std::uint64_t tick = 0; tick < 400; ++tick) {
    const auto at = kStart + tick * 1ms;
    if (tick % 10 == 0) push(queue, {.flow = 2, .id = tick, .piece_bytes = 100}, at);
    const Train* const train = queue.front(at);
    if (train->flow() == 2) late = std::max(late, tick - train->id());
    queue.pop();
  }
  CHECK(late <= 2);
  CHECK(queue.counters().codel_drops > 3);
}

TEST_CASE("fq_codel: never holds more than it may", "[unit][queue]")
{
  Queue queue{{.max_bytes = 10'000}};
  for (std::uint64_t id = 0; id < 100; ++id) {
    push(queue, {.flow = static_cast<std::uint32_t>(id % 3), .id = id, .piece_bytes = 700});
    CHECK(queue.size_bytes() <= 10'000);
  }
  CHECK(queue.counters().overflow_drops == 100 - drain(queue).size());
}

TEST_CASE("fq_codel: a super-packet that does not fit loses its first pieces", "[unit][queue]")
{
  Queue queue{{.max_bytes = 10'000}};
  CHECK(queue.push(Train{{.id = 0, .pieces = 12}}, 0, kStart) >= 2);
  const Ids left = drain(queue);
  REQUIRE_FALSE(left.empty());
  CHECK(left.back() == 11);
}

TEST_CASE("fq_codel: refuses what is larger than all of it", "[unit][queue]")
{
  Queue queue{{.max_bytes = 100}};
  CHECK(queue.push(Train{{}}, 0, kStart) == 1);
  CHECK(queue.empty());
  CHECK(queue.front(kStart) == nullptr);
  queue.push(Train{{.id = 7, .piece_bytes = 100}}, 0, kStart);
  CHECK(drain(queue) == Ids{7});
}

TEST_CASE("fq_codel: takes room from the head of the fattest flow, many pieces at once",
          "[unit][queue]")
{
  Queue queue{{.max_bytes = 200'000}};
  push(queue, {.flow = 1, .id = 1000, .pieces = 50});
  for (std::uint64_t id = 0; id < 140; ++id) push(queue, {.flow = 2, .id = id});
  CHECK(queue.push(Train{{.flow = 3, .id = 2000, .pieces = 20}}, hash_of(3), kStart) == 64);
  std::map<std::uint32_t, Ids> left;
  while (const Train* const train = queue.front(kStart)) {
    left[train->flow()].push_back(train->id());
    queue.pop();
  }
  CHECK(left[1].size() == 50);
  CHECK(left[3].size() == 20);
  REQUIRE(left[2].size() == 140 - 64);
  CHECK(left[2].front() == 64);
  CHECK(left[2].back() == 139);
}

TEST_CASE("fq_codel: never takes more than half of a flow at once", "[unit][queue]")
{
  Queue queue{{.max_bytes = 20'000}};
  push(queue, {.flow = 1, .pieces = 20});
  CHECK(queue.push(Train{{.flow = 2}}, hash_of(2), kStart) == 10);
}

TEST_CASE("fq_codel: a piece in front() may go to make room", "[unit][queue]")
{
  Queue queue{{.max_bytes = 10'000}};
  push(queue, {.flow = 1, .id = 0, .pieces = 10});
  REQUIRE(queue.front(kStart)->id() == 0);
  push(queue, {.flow = 2, .id = 100});
  REQUIRE(queue.front(kStart)->id() == 5);
  queue.pop();
  CHECK(queue.size_bytes() == 5000);
  CHECK(drain(queue).size() == 5);
}

TEST_CASE("fq_codel: tiny packets are limited by number", "[unit][queue]")
{
  Queue queue{{.max_packets = 100}};
  for (std::uint64_t id = 0; id < 1000; ++id) {
    push(queue, {.flow = 1, .id = id, .piece_bytes = 20});
    CHECK(queue.size_packets() <= 100);
  }
}

TEST_CASE("fq_codel: flows with one hash share a queue", "[unit][queue]")
{
  Queue queue{{.flows = 1}};
  for (std::uint64_t id = 0; id < 5; ++id) {
    push(queue, {.flow = static_cast<std::uint32_t>(id), .id = id});
  }
  CHECK(drain(queue) == Ids{0, 1, 2, 3, 4});
}

TEST_CASE("fq_codel: odd options do no harm", "[unit][queue]")
{
  Queue queue{{.target = 0ms, .interval = 0ms, .flows = 0, .quantum_bytes = 0}};
  for (std::uint32_t flow = 0; flow < 50; ++flow) {
    push(queue, {.flow = flow, .pieces = 3, .piece_bytes = 65'535});
  }
  CHECK(queue.counters().overflow_drops > 0);
  auto at = kStart;
  while (queue.front(at) != nullptr) {
    queue.pop();
    at += 1ms;
  }
  CHECK(queue.empty());
}

TEST_CASE("fq_codel: an idle queue gives its memory back", "[unit][queue]")
{
  Queue queue{{}};
  CHECK(queue.release_if_idle(kStart));
  push(queue, {.id = 1});
  CHECK_FALSE(queue.release_if_idle(kStart + 1h));  // not empty
  CHECK(drain(queue, kStart + 10ms) == Ids{1});
  CHECK_FALSE(queue.release_if_idle(kStart + 1s));  // CoDel still remembers
  CHECK(queue.release_if_idle(kStart + 1710ms));
  CHECK(queue.empty());
  push(queue, {.id = 2}, kStart + 2s);
  CHECK(drain(queue, kStart + 2s) == Ids{2});
}

TEST_CASE("fq_codel: clear() throws everything away", "[unit][queue]")
{
  Queue queue{{}};
  push(queue, {.pieces = 5});
  REQUIRE(queue.front(kStart) != nullptr);
  queue.clear();
  CHECK(queue.empty());
  CHECK(queue.size_bytes() == 0);
  CHECK(queue.front(kStart) == nullptr);
  CHECK(queue.release_if_idle(kStart));
}

namespace {

// Counts itself, and cannot be copied.
struct Counted {
  explicit Counted(int& count) : alive(&count) { ++count; }
  [[nodiscard]] std::size_t next_bytes() const { return 100; }
  [[nodiscard]] std::size_t remaining_bytes() const { return 100; }
  [[nodiscard]] bool ecn_capable() const { return false; }
  void mark_ce() {}
  bool advance() { return false; }
  struct CountDown {
    void operator()(int* count) const { --*count; }
  };
  std::unique_ptr<int, CountDown> alive;
};

}  // namespace

TEST_CASE("fq_codel: a packet's own memory goes with its last piece", "[unit][queue]")
{
  int alive = 0;
  {
    FqCodel<Counted> queue{{}};
    for (std::uint32_t i = 0; i < 20; ++i) queue.push(Counted{alive}, i << 24U, kStart);
    CHECK(alive == 20);
    for (int i = 0; i < 12; ++i) {
      send_one(queue);
    }
    CHECK(alive == 8);
  }
  CHECK(alive == 0);
}

}  // namespace slopn::queue::test
