#include "libtunnel/base/result.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cerrno>
#include <set>
#include <string>

#include "tests/support/catch_result.hpp"

namespace slopn {
namespace {

constexpr int kLastErrc = static_cast<int>(Errc::data_corrupt);

Result<int> half(int value)
{
  if (value % 2 != 0) return fail(Errc::invalid_argument, "odd");
  return value / 2;
}

}  // namespace

TEST_CASE("result: is a value or the reason there is none", "[unit][base]")
{
  REQUIRE(half(4));
  CHECK(*half(4) == 2);
  const auto odd = half(3);
  REQUIRE_FALSE(odd);
  CHECK(odd.error().code == make_error_code(Errc::invalid_argument));
}

TEST_CASE("result: context is put in front", "[unit][base]")
{
  const Error error = fail(Errc::timed_out, "inner").within("middle").within("outer");
  CHECK(error.context == "outer: middle: inner");
  CHECK(error.message() == "outer: middle: inner: no answer in time");
  CHECK(fail(Errc::timed_out, "").within("outer").context == "outer");
  CHECK(fail(Errc::timed_out, "").message() == "no answer in time");
}

TEST_CASE("result: each code has a number and a text of its own", "[unit][base]")
{
  CHECK(static_cast<int>(Errc::timed_out) == 1);
  CHECK(static_cast<int>(Errc::protocol_violation) == 10);
  CHECK(static_cast<int>(Errc::data_corrupt) == 18);
  std::set<std::string> texts;
  for (int code = 1; code <= kLastErrc; ++code) {
    const auto text = make_error_code(static_cast<Errc>(code)).message();
    CHECK(text != "unknown slopn error");
    texts.insert(text);
  }
  CHECK(texts.size() == kLastErrc);
  CHECK(make_error_code(Errc::timed_out).category().name() == std::string{"slopn"});
}

TEST_CASE("result: only what may pass by itself is retried", "[unit][base]")
{
  for (const Errc passing : {Errc::timed_out, Errc::peer_closed, Errc::unreachable,
                             Errc::pool_exhausted, Errc::refused, Errc::tls_failure, Errc::busy})
    CHECK(is_retryable(passing));
  for (const Errc lasting : {Errc::auth_rejected, Errc::identity_mismatch, Errc::invalid_argument,
                             Errc::platform_denied, Errc::cancelled, Errc::data_corrupt})
    CHECK_FALSE(is_retryable(lasting));
  CHECK(is_retryable(boost::system::error_code{ENETUNREACH, boost::system::system_category()}));
  CHECK_FALSE(is_retryable(make_error_code(Errc::auth_rejected)));
}

}  // namespace slopn
