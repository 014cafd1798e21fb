#include "libtunnel/measure/protocol.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/hex.hpp"

namespace slopn::measure {
namespace {

using namespace std::chrono_literals;
using test::hex;

const Hello kHello{Direction::up, 4, 10s, 0x0102030405060708};

template <class Bytes>
ByteVector changed(const Bytes& bytes, std::size_t at, std::uint8_t value)
{
  ByteVector copy{bytes.begin(), bytes.end()};
  copy.at(at) = std::byte{value};
  return copy;
}

template <class Bytes>
ByteVector copy_of(const Bytes& bytes)
{
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("measure protocol: messages are what the header says", "[unit][measure]")
{
  CHECK(copy_of(format(kHello)) == hex("534c504d 01 01 04 00 00002710 0102030405060708"));
  CHECK(copy_of(format(Verdict::busy)) == hex("534c504d 01 01 0000"));
  CHECK(copy_of(format(Report{7, 2us})) == hex("0000000000000007 0000000000000002"));
  CHECK(copy_of(format(Echo{Echo::Kind::reply, 9, 3})) ==
        hex("534c504d 01 02 0000 0000000000000009 0000000000000003"));
}

TEST_CASE("measure protocol: what is written can be read", "[unit][measure]")
{
  CHECK(parse_hello(format(kHello)) == kHello);
  CHECK(parse_answer(format(Verdict::welcome)) == Verdict::welcome);
  CHECK(parse_answer(format(Verdict::busy)) == Verdict::busy);
  CHECK(parse_report(format(Report{1U << 31U, 59s})) == Report{1U << 31U, 59s});
  const Echo echo{Echo::Kind::request, ~std::uint64_t{0}, 1};
  CHECK(parse_echo(format(echo)) == echo);
}

TEST_CASE("measure protocol: another size is refused", "[unit][measure]")
{
  const auto hello = format(kHello);
  for (std::size_t size = 0; size < hello.size(); ++size)
    CHECK_FALSE(parse_hello(ByteView{hello}.first(size)));
  CHECK_FALSE(parse_hello(test::concat(hello, hex("00"))));
  CHECK_FALSE(parse_answer(test::concat(format(Verdict::busy), hex("00"))));
  CHECK_FALSE(parse_report({}));
  CHECK_FALSE(parse_echo(test::concat(format(Echo{}), hex("00"))));
}

TEST_CASE("measure protocol: values outside of their range are refused", "[unit][measure]")
{
  const auto hello = format(kHello);
  CHECK_FALSE(parse_hello(changed(hello, 0, 'X')));
  CHECK_FALSE(parse_hello(changed(hello, 4, 2)));  // version
  CHECK_FALSE(parse_hello(changed(hello, 5, 0)));  // direction
  CHECK_FALSE(parse_hello(changed(hello, 5, 3)));  // direction
  CHECK_FALSE(parse_hello(changed(hello, 6, 0)));  // streams
  CHECK(parse_hello(changed(hello, 6, kMaxStreams)));
  CHECK_FALSE(parse_hello(changed(hello, 6, kMaxStreams + 1)));
  CHECK_FALSE(parse_hello(changed(hello, 7, 1)));  // must be zero
  CHECK_FALSE(parse_hello(changed(hello, 8, 1)));  // 16,787 seconds
  CHECK(parse_hello(format(Hello{Direction::down, 1, kMaxDuration, 0})));
  CHECK_FALSE(parse_hello(format(Hello{Direction::down, 1, kMaxDuration + 1ms, 0})));
  CHECK_FALSE(parse_hello(format(Hello{Direction::down, 1, 0ms, 0})));
  CHECK_FALSE(parse_answer(changed(format(Verdict::busy), 5, 2)));
  CHECK_FALSE(parse_answer(changed(format(Verdict::busy), 7, 1)));
  CHECK_FALSE(parse_report(changed(format(Report{}), 8, 0xff)));
  CHECK_FALSE(parse_echo(changed(format(Echo{}), 5, 0)));
  CHECK_FALSE(parse_echo(changed(format(Echo{}), 5, 3)));
  CHECK_FALSE(parse_echo(changed(format(Echo{}), 6, 1)));
}

}  // namespace slopn::measure
