#include <catch2/catch_test_macros.hpp>

#include "libtunnel/core/wire/ip_packet.hpp"
#include "tests/support/hex.hpp"

namespace slopn::wire {

TEST_CASE("checksum: the example of RFC 1071 section 3", "[conformance][wire]")
{
  // The one's complement sum of these is ddf2.
  const ByteVector bytes = test::hex("00 01 f2 03 f4 f5 f6 f7");
  CHECK(internet_checksum(bytes) == 0x220d);
}

TEST_CASE("checksum: an IPv4 header of the real world sums to zero", "[conformance][wire]")
{
  // The header printed in Wikipedia's "Internet checksum": its checksum is b861.
  const ByteVector header =
      test::hex("45 00 00 73 00 00 40 00 40 11 b8 61 c0 a8 00 01 c0 a8 00 c7");
  CHECK(internet_checksum(header) == 0);
}

TEST_CASE("checksum: a UDP datagram under the pseudo header of RFC 768", "[conformance][wire]")
{
  // 152.1.51.27:41103 to 152.14.94.75:9876 with the text "bb".
  const ByteVector udp = test::hex("a0 8f 26 94 00 0a 00 00 62 62");
  CHECK(internet_checksum(udp, pseudo_header_sum(test::ip("152.1.51.27"), test::ip("152.14.94.75"),
                                                 kProtocolUdp, udp.size())) == 0x14de);
}

}  // namespace slopn::wire
