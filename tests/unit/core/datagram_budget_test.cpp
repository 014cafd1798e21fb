#include "libtunnel/core/datagram_budget.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

namespace slopn {

TEST_CASE("budget: a 1500-byte IPv4 path carries 1438 inner bytes", "[unit][mtu]")
{
  CHECK(max_inner_packet_bytes({.udp_payload_bytes = 1500 - 28, .dcid_bytes = 8}) == 1438);
}

TEST_CASE("budget: a 1500-byte IPv6 path carries 1418 inner bytes", "[unit][mtu]")
{
  CHECK(max_inner_packet_bytes({.udp_payload_bytes = 1500 - 48, .dcid_bytes = 8}) == 1418);
}

TEST_CASE("budget: IPv6 inside needs a UDP payload of 1314 bytes", "[unit][mtu]")
{
  const DatagramBudget budget{.dcid_bytes = 8};
  CHECK(udp_payload_bytes_for(kMinIpV6MtuBytes, budget) == 1314);
}

TEST_CASE("budget: an empty connection id gives eight bytes more", "[unit][mtu]")
{
  CHECK(max_inner_packet_bytes({.udp_payload_bytes = 1472, .dcid_bytes = 0}) == 1446);
}

TEST_CASE("budget: longer stream and context ids cost their bytes", "[unit][mtu]")
{
  CHECK(max_inner_packet_bytes({.udp_payload_bytes = 1472, .dcid_bytes = 8, .stream_id = 252}) ==
        1438);
  CHECK(max_inner_packet_bytes({.udp_payload_bytes = 1472, .dcid_bytes = 8, .stream_id = 256}) ==
        1437);
  CHECK(max_inner_packet_bytes({.udp_payload_bytes = 1472, .dcid_bytes = 8, .context_id = 64}) ==
        1437);
}

TEST_CASE("budget: the peer's frame limit counts type and length", "[unit][mtu]")
{
  CHECK(max_inner_packet_bytes(
            {.udp_payload_bytes = 1472, .dcid_bytes = 8, .peer_max_datagram_frame_bytes = 1205}) ==
        1200);
}

TEST_CASE("budget: says so when nothing fits", "[unit][mtu]")
{
  CHECK_FALSE(max_inner_packet_bytes({.udp_payload_bytes = 34, .dcid_bytes = 8}));
  CHECK(max_inner_packet_bytes({.udp_payload_bytes = 35, .dcid_bytes = 8}) == 1);
  CHECK_FALSE(max_inner_packet_bytes({.udp_payload_bytes = 0, .dcid_bytes = 20}));
  CHECK_FALSE(max_inner_packet_bytes(
      {.udp_payload_bytes = 1472, .dcid_bytes = 8, .peer_max_datagram_frame_bytes = 0}));
}

TEST_CASE("budget: the answer fits, and one byte more does not", "[unit][mtu]")
{
  for (std::size_t udp = 35; udp < 65528; udp += udp < 20'000 ? 1 : 97) {
    const DatagramBudget budget{.udp_payload_bytes = udp, .dcid_bytes = 8};
    const auto inner = max_inner_packet_bytes(budget);
    REQUIRE(inner);
    REQUIRE(udp_payload_bytes_for(*inner, budget) <= udp);
    REQUIRE(udp_payload_bytes_for(*inner + 1, budget) > udp);
  }
}

}  // namespace slopn
