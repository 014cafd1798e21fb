#include "daemon/supervisor/remedies.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace slopn::daemon {

TEST_CASE("remedies: every error of ours has a class, and says what to do", "[unit][supervisor]")
{
  for (int value = 1; value <= static_cast<int>(Errc::data_corrupt); ++value) {
    const Problem problem = to_problem(fail(static_cast<Errc>(value), "test"));
    INFO(problem.error.message());
    CHECK_FALSE(problem.remedy.empty());
    CHECK(problem.remedy.ends_with('.'));
    CHECK((problem.kind != ErrorClass::internal || problem.error.code == Errc::cancelled));
  }
}

TEST_CASE("remedies: what cannot pass is never the network's", "[unit][supervisor]")
{
  for (int value = 1; value <= static_cast<int>(Errc::data_corrupt); ++value) {
    const Error error = fail(static_cast<Errc>(value), "test");
    INFO(error.message());
    if (!is_retryable(error.code)) CHECK(class_of(error) != ErrorClass::network);
  }
}

TEST_CASE("remedies: a system error is the network's or the host's", "[unit][supervisor]")
{
  namespace errc = boost::system::errc;
  CHECK(class_of(fail(errc::make_error_code(errc::network_unreachable), "send")) ==
        ErrorClass::network);
  CHECK(class_of(fail(errc::make_error_code(errc::operation_not_permitted), "open /dev/net/tun")) ==
        ErrorClass::system);
  CHECK(class_of(fail(errc::make_error_code(errc::no_such_file_or_directory), "open")) ==
        ErrorClass::system);
}

}  // namespace slopn::daemon
