#include "platform/linux/vnet_header.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace slopn::platform {

TEST_CASE("vnet header: says the same in both directions", "[unit][platform]")
{
  const auto split = GENERATE(Offload::Split::none, Offload::Split::tcp_v4, Offload::Split::tcp_v6,
                              Offload::Split::udp);
  const Offload offload{.split = split,
                        .checksum_missing = true,
                        .header_bytes = 52,
                        .segment_bytes = 1368,
                        .checksum_start = 20,
                        .checksum_offset = 16};
  const auto back = from_vnet_header(to_vnet_header(offload));
  REQUIRE(back);
  CHECK(*back == offload);
}

TEST_CASE("vnet header: a missing checksum is not a good one", "[unit][platform]")
{
  const Offload both{.checksum_missing = true, .checksum_known_good = true};
  CHECK(to_vnet_header(both).flags == 1);
  CHECK(to_vnet_header({.checksum_known_good = true}).flags == 2);
  CHECK(to_vnet_header({}).flags == 0);
}

TEST_CASE("vnet header: ECN beside TCP is no kind of its own", "[unit][platform]")
{
  CHECK(from_vnet_header({.gso_type = 0x81})->split == Offload::Split::tcp_v4);
  CHECK(from_vnet_header({.gso_type = 0x84})->split == Offload::Split::tcp_v6);
}

TEST_CASE("vnet header: an unknown kind of super-packet is refused", "[unit][platform]")
{
  CHECK_FALSE(from_vnet_header({.gso_type = 3}));  // UFO, which we never ask for
  CHECK_FALSE(from_vnet_header({.gso_type = 0x7f}));
}

}  // namespace slopn::platform
