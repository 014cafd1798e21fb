#include "libtunnel/core/race_plan.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace slopn {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kStart{1h};

RaceCandidate at(const char* endpoint, std::size_t gateway = 0)
{
  return {*UdpEndpoint::parse(endpoint), gateway};
}

Error passing(const char* what = "test")
{
  return fail(Errc::unreachable, what);
}

// The endpoints that start when none answers and none fails.
std::vector<std::string> order_of(RacePlan plan)
{
  std::vector<std::string> order;
  Clock::time_point now = kStart;
  while (const auto runner = plan.start_next(now)) {
    order.push_back(plan.candidate(*runner).endpoint.to_string());
    now += RacePlan::kHeadStart;
  }
  return order;
}

}  // namespace

TEST_CASE("race: the first starts at once, each next a quarter of a second later", "[unit][race]")
{
  RacePlan plan;
  plan.add({at("192.0.2.1:443"), at("192.0.2.2:443")});
  REQUIRE(plan.next_deadline());
  CHECK(*plan.next_deadline() <= kStart);
  CHECK(plan.start_next(kStart) == RacePlan::Runner{0});
  CHECK_FALSE(plan.start_next(kStart));
  CHECK(plan.next_deadline() == kStart + 250ms);
  CHECK_FALSE(plan.start_next(kStart + 249ms));
  CHECK(plan.start_next(kStart + 250ms) == RacePlan::Runner{1});
  CHECK_FALSE(plan.next_deadline());
}

TEST_CASE("race: families take turns, IPv6 first", "[unit][race]")
{
  RacePlan plan;
  plan.add({at("192.0.2.1:443"), at("192.0.2.2:443"), at("192.0.2.3:443"), at("[2001:db8::1]:443"),
            at("[2001:db8::2]:443")});
  CHECK(order_of(plan) == std::vector<std::string>{"[2001:db8::1]:443", "192.0.2.1:443",
                                                   "[2001:db8::2]:443", "192.0.2.2:443",
                                                   "192.0.2.3:443"});
}

TEST_CASE("race: every gateway has a turn before any has its second", "[unit][race]")
{
  RacePlan plan;
  plan.add({at("192.0.2.1:443", 0), at("192.0.2.2:443", 0), at("[2001:db8::1]:443", 0),
            at("192.0.2.3:443", 1), at("[2001:db8::3]:443", 1)});
  CHECK(order_of(plan) == std::vector<std::string>{"[2001:db8::1]:443", "192.0.2.1:443",
                                                   "[2001:db8::3]:443", "192.0.2.3:443",
                                                   "192.0.2.2:443"});
}

TEST_CASE("race: what comes later takes the place that it deserves", "[unit][race]")
{
  RacePlan plan;
  plan.add({at("192.0.2.3:443", 1), at("192.0.2.4:443", 1)});
  REQUIRE(plan.start_next(kStart) == RacePlan::Runner{0});
  plan.add({at("192.0.2.1:443", 0)});
  const auto next = plan.start_next(kStart + 250ms);
  REQUIRE(next);
  CHECK(plan.candidate(*next).gateway == 0);
}

TEST_CASE("race: an address is tried once, however many names have it", "[unit][race]")
{
  RacePlan plan;
  plan.add({at("192.0.2.1:443", 0), at("192.0.2.1:443", 1), at("192.0.2.1:4242", 1)});
  plan.add({at("192.0.2.1:443", 0)});
  CHECK(order_of(plan).size() == 2);
}

TEST_CASE("race: very many addresses do not make very many sockets", "[unit][race]")
{
  RacePlan plan;
  std::vector<RaceCandidate> many;
  for (std::uint16_t port = 1; port <= 1000; ++port)
    many.push_back({{IpAddress::v4({192, 0, 2, 1}), port}, 0});
  plan.add(many);
  CHECK(order_of(plan).size() == RacePlan::kMaxCandidates);
}

TEST_CASE("race: a failure starts the next at once", "[unit][race]")
{
  RacePlan plan;
  plan.add({at("192.0.2.1:443"), at("192.0.2.2:443"), at("192.0.2.3:443")});
  REQUIRE(plan.start_next(kStart) == RacePlan::Runner{0});
  plan.on_failed(0, passing(), kStart + 10ms);
  CHECK(plan.start_next(kStart + 10ms) == RacePlan::Runner{1});
  CHECK_FALSE(plan.start_next(kStart + 10ms));
  CHECK(plan.next_deadline() == kStart + 260ms);
}

TEST_CASE("race: the first to win ends it for the others", "[unit][race]")
{
  RacePlan plan;
  plan.add({at("192.0.2.1:443"), at("192.0.2.2:443"), at("192.0.2.3:443")});
  (void)plan.start_next(kStart);
  (void)plan.start_next(kStart + 250ms);
  CHECK(plan.on_won(1, kStart + 250ms) == std::vector<RacePlan::Runner>{0});
  CHECK(plan.winner() == RacePlan::Runner{1});
  CHECK_FALSE(plan.start_next(kStart + 1h));
  plan.on_settled();
  CHECK_FALSE(plan.next_deadline());
  CHECK_FALSE(plan.overdue(kStart + 1h));
}

TEST_CASE("race: a winner that gives no tunnel has three seconds, while there are others",
          "[unit][race]")
{
  RacePlan plan;
  plan.add({at("192.0.2.1:443"), at("192.0.2.2:443")});
  plan.close();
  (void)plan.start_next(kStart);
  (void)plan.on_won(0, kStart);
  CHECK(plan.next_deadline() == kStart + 3s);
  CHECK_FALSE(plan.overdue(kStart + 3s - 1ns));
  CHECK(plan.overdue(kStart + 3s) == RacePlan::Runner{0});
  plan.on_failed(0, fail(Errc::timed_out, "tunnel"), kStart + 3s);
  CHECK(plan.start_next(kStart + 3s) == RacePlan::Runner{1});
  (void)plan.on_won(1, kStart + 3s);
  CHECK_FALSE(plan.next_deadline());  // nobody is left
  CHECK_FALSE(plan.overdue(kStart + 1h));
}

TEST_CASE("race: goes on with the rest when the winner is of no use", "[unit][race]")
{
  RacePlan plan;
  plan.add({at("192.0.2.1:443"), at("192.0.2.2:443"), at("192.0.2.3:443")});
  plan.close();
  (void)plan.start_next(kStart);
  (void)plan.start_next(kStart + 250ms);
  (void)plan.on_won(1, kStart + 250ms);
  plan.on_failed(1, fail(Errc::auth_rejected, "test"), kStart + 300ms);
  CHECK_FALSE(plan.lost());
  CHECK(plan.start_next(kStart + 300ms) == RacePlan::Runner{0});
  CHECK(plan.start_next(kStart + 550ms) == RacePlan::Runner{2});
  CHECK_FALSE(plan.start_next(kStart + 1h));
}

TEST_CASE("race: is lost when all have failed and nobody else comes", "[unit][race]")
{
  RacePlan plan;
  CHECK_FALSE(plan.lost());
  plan.add({at("192.0.2.1:443")});
  (void)plan.start_next(kStart);
  plan.on_failed(0, passing(), kStart);
  CHECK_FALSE(plan.lost());
  plan.close();
  CHECK(plan.lost());
  CHECK(plan.reason().code == make_error_code(Errc::unreachable));
}

TEST_CASE("race: without any address it is lost for want of one", "[unit][race]")
{
  RacePlan plan;
  plan.close();
  CHECK(plan.lost());
  CHECK(is_retryable(plan.reason().code));
  plan.note_failure(fail(Errc::unreachable, "resolve vpn.example.org"));
  CHECK(plan.reason().context == "resolve vpn.example.org");
}

TEST_CASE("race: is in vain only when every address says so", "[unit][race]")
{
  RacePlan plan;
  plan.add({at("192.0.2.1:443"), at("192.0.2.2:443")});
  plan.close();
  (void)plan.start_next(kStart);
  plan.on_failed(0, fail(Errc::identity_mismatch, "first"), kStart);
  (void)plan.start_next(kStart);
  RacePlan other = plan;

  plan.on_failed(1, passing("second"), kStart);
  CHECK(plan.reason().context == "second");
  CHECK(is_retryable(plan.reason().code));

  other.on_failed(1, fail(Errc::auth_rejected, "second"), kStart);
  CHECK(other.reason().context == "first");
  CHECK_FALSE(is_retryable(other.reason().code));
}

}  // namespace slopn
