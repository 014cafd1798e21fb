#include "tests/support/wan_direction.hpp"

#include <catch2/catch_test_macros.hpp>
#include <vector>

using namespace std::chrono_literals;
using slopn::test::WanDirection;
using slopn::test::WanShape;

namespace {

constexpr WanDirection::Time kStart{1h};

void put(WanDirection& link, WanDirection::Time now, std::size_t bytes = 1500, int mark = 0)
{
  link.spare()[0] = static_cast<std::byte>(mark);
  link.accept(bytes, bytes, now);
}

struct Arrival {
  WanDirection::Time at;
  int mark;
  std::size_t bytes;
  bool operator==(const Arrival&) const = default;
};

// All that is on its way.
std::vector<Arrival> arrivals(WanDirection& link)
{
  std::vector<Arrival> all;
  while (const auto due = link.next()) {
    all.push_back({due->at, static_cast<int>(due->bytes[0]), due->bytes.size()});
    link.pop();
  }
  return all;
}

}  // namespace

TEST_CASE("wan: packets arrive whole, in order, after the delay", "[unit][support]")
{
  WanDirection link{{.delay = 20ms}, 1};
  put(link, kStart, 1500, 1);
  put(link, kStart + 1us, 40, 2);
  CHECK(arrivals(link) ==
        std::vector<Arrival>{{kStart + 20ms, 1, 1500}, {kStart + 20ms + 1us, 2, 40}});
  CHECK_FALSE(link.next());
}

TEST_CASE("wan: a packet keeps its bytes while others pass", "[unit][support]")
{
  WanDirection link{{.delay = 1ms}, 1};
  put(link, kStart, 100, 1);
  put(link, kStart, 100, 2);
  link.pop();
  put(link, kStart, 100, 3);  // takes the slot of the first
  CHECK(arrivals(link) == std::vector<Arrival>{{kStart + 1ms, 2, 100}, {kStart + 1ms, 3, 100}});
}

TEST_CASE("wan: a rate sends packets one after the other", "[unit][support]")
{
  WanDirection link{{.delay = 20ms, .rate_bits_per_s = 200'000'000}, 1};
  for (int i = 0; i < 3; ++i) put(link, kStart);  // 60 us each
  put(link, kStart + 1ms);                        // the sender has been idle
  CHECK(arrivals(link) == std::vector<Arrival>{{kStart + 20ms + 60us, 0, 1500},
                                               {kStart + 20ms + 120us, 0, 1500},
                                               {kStart + 20ms + 180us, 0, 1500},
                                               {kStart + 21ms + 60us, 0, 1500}});
}

TEST_CASE("wan: a header in front of the packet does not use the rate", "[unit][support]")
{
  WanDirection link{{.rate_bits_per_s = 8'000'000}, 1};
  link.accept(1010, 1000, kStart);
  CHECK(link.next()->at == kStart + 1ms);
  CHECK(link.next()->bytes.size() == 1010);
}

TEST_CASE("wan: what exceeds the queue's bytes is dropped until some has left", "[unit][support]")
{
  WanDirection link{{.rate_bits_per_s = 200'000'000, .queue_bytes = 4500}, 1};
  for (int i = 0; i < 4; ++i) put(link, kStart);
  CHECK(link.counters().accepted == 3);
  CHECK(link.counters().overflown == 1);
  put(link, kStart + 59us);
  CHECK(link.counters().overflown == 2);
  put(link, kStart + 60us);
  CHECK(link.counters().accepted == 4);
  CHECK(link.counters().accepted_bytes == 6000);
}

TEST_CASE("wan: what exceeds the queue's packets is dropped", "[unit][support]")
{
  WanDirection link{{.rate_bits_per_s = 200'000'000, .queue_packets = 2}, 1};
  for (int i = 0; i < 5; ++i) put(link, kStart, 40);
  CHECK(link.counters().accepted == 2);
  CHECK(link.counters().overflown == 3);
}

TEST_CASE("wan: without a rate nothing waits, so that no queue overflows", "[unit][support]")
{
  WanDirection link{{.delay = 1s, .queue_bytes = 1, .queue_packets = 1}, 1};
  put(link, kStart, 1);
  put(link, kStart, 1);
  CHECK(link.counters().overflown == 0);
}

TEST_CASE("wan: the link holds a bounded number of packets", "[unit][support]")
{
  WanDirection link{{.delay = 1h}, 1};
  for (std::size_t i = 0; i < WanDirection::kMostInFlight + 2; ++i) put(link, kStart, 40);
  CHECK(link.counters().peak_in_flight == WanDirection::kMostInFlight);
  CHECK(link.counters().overflown == 2);
}

TEST_CASE("wan: loss has its probability and follows from the seed", "[unit][support]")
{
  const auto lost = [](std::uint64_t seed) {
    WanDirection link{{.loss = 0.01}, seed};
    std::vector<bool> result;
    for (int i = 0; i < 100'000; ++i) {
      put(link, kStart, 40);
      result.push_back(!link.next());
      if (link.next()) link.pop();
    }
    CHECK(link.counters().lost > 900);  // 1000 expected, standard deviation 32
    CHECK(link.counters().lost < 1100);
    CHECK(link.counters().lost + link.counters().accepted == 100'000);
    return result;
  };
  CHECK(lost(1) == lost(1));
  CHECK(lost(1) != lost(2));
}

TEST_CASE("wan: a lost packet has used the rate and the queue", "[unit][support]")
{
  WanDirection link{{.loss = 1, .rate_bits_per_s = 200'000'000, .queue_packets = 1}, 1};
  put(link, kStart);
  CHECK(link.counters().lost == 1);
  put(link, kStart);
  CHECK(link.counters().overflown == 1);
  CHECK_FALSE(link.next());
}
