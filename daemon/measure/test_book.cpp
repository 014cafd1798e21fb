#include "daemon/measure/test_book.hpp"

namespace slopn::measure {

bool TestBook::come(const IpAddress& client)
{
  if (connections_ == limits_.max_connections) return false;
  const auto [of_client, first] = connections_of_.try_emplace(client, 0);
  if (of_client->second == limits_.max_connections_per_client) return false;
  ++of_client->second;
  ++connections_;
  return true;
}

void TestBook::leave(const IpAddress& client)
{
  const auto of_client = connections_of_.find(client);
  if (of_client == connections_of_.end()) return;
  --connections_;
  if (--of_client->second == 0) connections_of_.erase(of_client);
}

Verdict TestBook::begin_stream(const IpAddress& client, const Hello& hello)
{
  const auto known = tests_.find(client);
  if (known != tests_.end()) {
    Test& test = known->second;
    if (test.hello != hello || test.begun == test.hello.streams) return Verdict::busy;
    ++test.begun;
    ++test.open;
    return Verdict::welcome;
  }
  if (tests_.size() == limits_.max_tests) return Verdict::busy;
  tests_.emplace(client, Test{hello, 1, 1});
  return Verdict::welcome;
}

void TestBook::end_stream(const IpAddress& client, const Hello& hello)
{
  const auto known = tests_.find(client);
  if (known == tests_.end() || known->second.hello != hello) return;
  if (--known->second.open == 0) tests_.erase(known);
}

}  // namespace slopn::measure
