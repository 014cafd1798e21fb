#include "daemon/measure/test_book.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/hex.hpp"

namespace slopn::measure {
namespace {

using namespace std::chrono_literals;
using test::ip;

Hello hello(std::uint64_t test, std::uint8_t streams = 2)
{
  return {Direction::down, streams, 10s, test};
}

const IpAddress kClient = ip("10.0.0.2");

}  // namespace

TEST_CASE("test book: a test has as many streams as it said, and no more", "[unit][measure]")
{
  TestBook book;
  CHECK(book.begin_stream(kClient, hello(1)) == Verdict::welcome);
  CHECK(book.begin_stream(kClient, hello(1)) == Verdict::welcome);
  CHECK(book.begin_stream(kClient, hello(1)) == Verdict::busy);
  book.end_stream(kClient, hello(1));
  CHECK(book.begin_stream(kClient, hello(1)) == Verdict::busy);  // or it would never end
  book.end_stream(kClient, hello(1));
  CHECK(book.tests() == 0);
}

TEST_CASE("test book: a client has one test at a time", "[unit][measure]")
{
  TestBook book;
  CHECK(book.begin_stream(kClient, hello(1)) == Verdict::welcome);
  CHECK(book.begin_stream(kClient, hello(2)) == Verdict::busy);
  Hello other_way = hello(1);
  other_way.direction = Direction::up;
  CHECK(book.begin_stream(kClient, other_way) == Verdict::busy);
  CHECK(book.begin_stream(ip("fd00::2"), hello(1)) == Verdict::welcome);  // another client
  book.end_stream(kClient, hello(1));
  CHECK(book.begin_stream(kClient, hello(2)) == Verdict::welcome);
}

TEST_CASE("test book: tests are few at a time", "[unit][measure]")
{
  TestBook book{{.max_tests = 2}};
  CHECK(book.begin_stream(ip("10.0.0.2"), hello(1)) == Verdict::welcome);
  CHECK(book.begin_stream(ip("10.0.0.3"), hello(1)) == Verdict::welcome);
  CHECK(book.begin_stream(ip("10.0.0.4"), hello(1)) == Verdict::busy);
  book.end_stream(ip("10.0.0.4"), hello(1));  // which never began
  CHECK(book.tests() == 2);
  book.end_stream(ip("10.0.0.3"), hello(1));
  CHECK(book.begin_stream(ip("10.0.0.4"), hello(1)) == Verdict::welcome);
}

TEST_CASE("test book: connections are limited for each client and for all", "[unit][measure]")
{
  TestBook book{{.max_connections = 3, .max_connections_per_client = 2}};
  CHECK(book.come(kClient));
  CHECK(book.come(kClient));
  CHECK_FALSE(book.come(kClient));
  CHECK(book.come(ip("10.0.0.3")));
  CHECK_FALSE(book.come(ip("10.0.0.4")));
  book.leave(kClient);
  CHECK(book.come(ip("10.0.0.4")));
  book.leave(kClient);
  book.leave(ip("10.0.0.3"));
  book.leave(ip("10.0.0.4"));
  book.leave(ip("10.0.0.4"));  // once too often changes nothing
  CHECK(book.connections() == 0);
}

TEST_CASE("test book: a rate limit lets a burst pass, then its rate", "[unit][measure]")
{
  RateLimit limit{1'000};
  std::chrono::steady_clock::time_point now{1h};
  std::size_t passed = 0;
  for (int i = 0; i < 500; ++i) passed += limit.allow(now) ? 1 : 0;
  CHECK(passed == 101);  // a tenth of a second's worth, and the one that is due
  for (int i = 0; i < 1'000; ++i) passed += limit.allow(now += 500us) ? 1 : 0;
  CHECK(passed == 601);
}

}  // namespace slopn::measure
