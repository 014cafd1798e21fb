#include "libtunnel/core/wire/structured_field.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace slopn::wire {
namespace {

SfMember item(SfValue value)
{
  return {{std::move(value)}, false};
}

bool refused(std::string_view text)
{
  return !parse_sf_dictionary(text).has_value();
}

}  // namespace

TEST_CASE("structured field: members have items of every type", "[unit][wire]")
{
  const auto members = parse_sf_dictionary(
      R"( a, b=?0, c=-17, d="x \"y\" \\", e=tok/en:*, f=1.5, g=:aGk=:, h=@1659578233, i=%"f%c3%bc" )");
  REQUIRE(members);
  CHECK(members->size() == 9);
  CHECK(members->at("a") == item(true));
  CHECK(members->at("b") == item(false));
  CHECK(members->at("c") == item(std::int64_t{-17}));
  CHECK(members->at("d") == item(std::string{R"(x "y" \)"}));
  CHECK(members->at("e") == item(SfToken{"tok/en:*"}));
  for (const char* name : {"f", "g", "h", "i"}) CHECK(members->at(name) == item(SfOther{}));
}

TEST_CASE("structured field: inner lists and parameters", "[unit][wire]")
{
  const auto members = parse_sf_dictionary(R"(a=("x"  "y";q=1 );w;v="1", b=(), c;d=2)");
  REQUIRE(members);
  CHECK(members->at("a") == SfMember{{std::string{"x"}, std::string{"y"}}, true});
  CHECK(members->at("b") == SfMember{{}, true});
  CHECK(members->at("c") == item(true));
}

TEST_CASE("structured field: the last member of a name counts", "[unit][wire]")
{
  CHECK(parse_sf_dictionary("a=1,a=2")->at("a") == item(std::int64_t{2}));
}

TEST_CASE("structured field: an empty one is a dictionary without members", "[unit][wire]")
{
  CHECK(parse_sf_dictionary("")->empty());
  CHECK(parse_sf_dictionary("   ")->empty());
}

TEST_CASE("structured field: what the grammar does not allow is refused whole", "[unit][wire]")
{
  const auto* text = GENERATE(
      "A", "1", "a=", "a,", "a b", "a=1 b=2", ",a", "a==1", "a=\"x", "a=\"\\x\"", "a=\"\x01\"",
      "a=\"\xc3\xbc\"", "a=(", "a=(\"x\"\"y\")", "a=(1 2", "a=?2", "a=?", "a=1.", "a=1.1234", "a=-",
      "a=--1", "a=1234567890123456", "a=1234567890123.1", "a=:a b:", "a=:aa", "a=@1.5",
      "a=%\"%C3\"", "a=%\"", "a;", "a;=1", "a;B", "a=#x", "a=1\n");
  CAPTURE(text);
  CHECK(refused(text));
}

TEST_CASE("structured field: sizes are limited", "[unit][wire]")
{
  CHECK_FALSE(refused("a=" + std::string(kMaxSfBytes - 2, 't')));
  CHECK(refused("a=" + std::string(kMaxSfBytes - 1, 't')));
  std::string many;
  for (std::size_t i = 0; i <= kMaxSfMembers; ++i) many += (i ? ",k" : "k") + std::to_string(i);
  CHECK(refused(many));
  std::string list = "a=(";
  for (std::size_t i = 0; i <= kMaxSfMembers; ++i) list += "1 ";
  CHECK(refused(list + ")"));
  std::string parameters = "a";
  for (std::size_t i = 0; i <= kMaxSfMembers; ++i) parameters += ";p";
  CHECK(refused(parameters));
}

TEST_CASE("structured field: strings are quoted, and only hold what may stand there",
          "[unit][wire]")
{
  CHECK(format_sf_string("a\"b\\c\n") == R"("a\"b\\c")");
  CHECK(parse_sf_dictionary("a=" + format_sf_string("a\"b\\c"))->at("a") ==
        item(std::string{"a\"b\\c"}));
}

}  // namespace slopn::wire
