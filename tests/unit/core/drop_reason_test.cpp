#include "libtunnel/core/drop_reason.hpp"

#include <catch2/catch_test_macros.hpp>
#include <set>
#include <string_view>

namespace slopn {

TEST_CASE("drops: each reason has a name of its own", "[unit][counters]")
{
  std::set<std::string_view> names;
  for (const DropReason reason : all_drop_reasons()) {
    CHECK(to_string(reason) != "unknown");
    names.insert(to_string(reason));
  }
  CHECK(names.size() == kDropReasonCount);
}

TEST_CASE("drops: the count covers the whole enumeration", "[unit][counters]")
{
  // A new reason gets a name first; without a place to count it, this fails.
  CHECK(to_string(static_cast<DropReason>(kDropReasonCount)) == "unknown");
}

TEST_CASE("drops: are counted by reason and added up", "[unit][counters]")
{
  DropCounters counters;
  counters.count(DropReason::too_big);
  counters.count(DropReason::malformed, 3);
  DropCounters others;
  others.count(DropReason::too_big, 5);
  counters += others;
  CHECK(counters[DropReason::too_big] == 6);
  CHECK(counters[DropReason::malformed] == 3);
  CHECK(counters[DropReason::no_route] == 0);
  CHECK(counters.total() == 9);
}

}  // namespace slopn
