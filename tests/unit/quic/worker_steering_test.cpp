#include "libtunnel/quic/worker_steering.hpp"

#include <catch2/catch_test_macros.hpp>

#include "libtunnel/quic/connection_id.hpp"
#include "tests/support/hex.hpp"

using namespace slopn;
using namespace slopn::quic;

namespace {

ByteVector packet_to(const ConnectionId& id, bool long_header)
{
  ByteVector packet = long_header ? test::hex("c00000000108") : test::hex("40");
  packet.insert(packet.end(), id.bytes().begin(), id.bytes().end());
  packet.resize(1200);
  return packet;
}

}  // namespace

TEST_CASE("worker steering: packets with our connection IDs go to the worker that made them",
          "[unit][quic]")
{
  for (const std::size_t workers : {1U, 2U, 3U, 64U}) {
    for (std::size_t worker = 0; worker < workers; ++worker) {
      const auto id = ConnectionIdFactory{static_cast<std::uint8_t>(worker)}.make();
      CHECK(worker_for(packet_to(id, true), workers) == worker);
      CHECK(worker_for(packet_to(id, false), workers) == worker);
    }
  }
}

TEST_CASE("worker steering: an ID that a client chose belongs to one worker, whatever follows it",
          "[unit][quic]")
{
  CHECK(worker_for(test::hex("c000000001080b02030405060708"), 4) == 3);
  CHECK(worker_for(test::hex("e000000001080bffffffffffffff"), 4) == 3);
}

TEST_CASE("worker steering: what is too short to tell is the first worker's", "[unit][quic]")
{
  CHECK(worker_for({}, 4) == 0);
  CHECK(worker_for(test::hex("40"), 4) == 0);
  CHECK(worker_for(test::hex("c00000000108"), 4) == 0);
  CHECK(worker_for(test::hex("ffffffffffff"), 4) == 0);
}
