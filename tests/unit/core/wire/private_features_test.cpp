#include "libtunnel/core/wire/private_features.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace slopn::wire {
namespace {

std::vector<UdpEndpoint> endpoints(std::initializer_list<const char*> texts)
{
  std::vector<UdpEndpoint> made;
  for (const char* text : texts) made.push_back(*UdpEndpoint::parse(text));
  return made;
}

std::vector<UdpEndpoint> granted(std::string_view field)
{
  return parse_grants(field).measurement;
}

}  // namespace

TEST_CASE("features: a client names what it would like", "[unit][wire]")
{
  CHECK(format_wishes({}).empty());
  CHECK(format_wishes({.measurement = true}) == "measure");
  CHECK(parse_wishes("measure").measurement);
  CHECK(parse_wishes("dns, measure=?1;x, mtu=7").measurement);  // of a newer client
}

TEST_CASE("features: what is no wish counts as none", "[unit][wire]")
{
  const auto* field = GENERATE("", "measure=?0", "measure=1", "measure=(\"x\")", "measure=\"1\"",
                               "Measure", "measure,", "measured", "measure=(?1)");
  CAPTURE(field);
  CHECK_FALSE(parse_wishes(field).measurement);
}

TEST_CASE("features: a gateway answers with its endpoints", "[unit][wire]")
{
  const FeatureGrants grants{endpoints({"10.86.0.1:5202", "[fd86::1]:5202"})};
  CHECK(format_grants(grants) == R"(measure=("10.86.0.1:5202" "[fd86::1]:5202"))");
  CHECK(parse_grants(format_grants(grants)) == grants);
  CHECK(format_grants({}).empty());
}

TEST_CASE("features: only what was wished for is granted", "[unit][wire]")
{
  const FeatureGrants grants{endpoints({"10.86.0.1:5202"})};
  CHECK(wished_part({}, grants) == FeatureGrants{});
  CHECK(wished_part({.measurement = true}, grants) == grants);
}

TEST_CASE("features: an endpoint that cannot be right is left out, others stay", "[unit][wire]")
{
  CHECK(granted(R"(measure=("10.0.0.1:0" "10.0.0.1:5202" x 7 "" "10.0.0.1"))") ==
        endpoints({"10.0.0.1:5202"}));
  for (const char* address : {"0.0.0.0:1", "127.0.0.1:1", "169.254.169.254:80", "224.0.0.1:1",
                              "[::]:1", "[::1]:1", "[fe80::1]:1", "[ff02::1]:1", "10.0.0.1:65536",
                              "10.0.0.1:-1", "10.0.0.1: 1", "gateway:5202", "10.0.0.1:5202 "}) {
    CAPTURE(address);
    CHECK(granted("measure=(\"" + std::string{address} + "\")").empty());
  }
}

TEST_CASE("features: endpoints are few and different", "[unit][wire]")
{
  std::string field = "measure=(\"10.0.0.9:1\" \"10.0.0.9:1\"";
  for (int i = 0; i < 20; ++i) field += " \"10.0.0." + std::to_string(i + 10) + ":1\"";
  const auto found = granted(field + ")");
  REQUIRE(found.size() == kMaxMeasurementEndpoints);
  CHECK(found[1] == *UdpEndpoint::parse("10.0.0.10:1"));
}

TEST_CASE("features: an answer that makes no sense grants nothing", "[unit][wire]")
{
  const auto* field = GENERATE("", "measure", "measure=\"10.0.0.1:1\"", "measure=(", "measure=()",
                               "measure=(10.0.0.1:1)", "measure=(\"10.0.0.1:1\"),", "\xff");
  CAPTURE(field);
  CHECK(parse_grants(field) == FeatureGrants{});
}

}  // namespace slopn::wire
