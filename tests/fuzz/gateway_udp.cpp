// UDP payloads for a whole gateway. The input is a list of them:
//
//     | from 1 | length 2, big-endian | bytes |
//
// `from` names the sender's port and, in its upper four bits, how many seconds pass before.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/must.hpp"
#include "tests/support/tunnel_hosts.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  using namespace slopn::test;
  SimulatedNetwork network;
  GatewaySetup setup;
  setup.rules.anonymous = true;
  setup.endpoint.max_handshakes = 10;
  setup.endpoint.retry_above_handshakes = 5;
  GatewayHost gateway{network, setup};

  ByteView rest = view(data, size);
  while (rest.size() >= 3) {
    const auto from = std::to_integer<unsigned>(rest[0]);
    const std::size_t length =
        std::to_integer<std::size_t>(rest[1]) << 8U | std::to_integer<std::size_t>(rest[2]);
    rest = rest.subspan(3);
    const ByteView packet = rest.first(std::min(length, rest.size()));
    rest = rest.subspan(packet.size());
    network.run_for(std::chrono::seconds(from >> 4U));
    UdpEndpoint sender = client_address(1);
    sender.port = static_cast<std::uint16_t>(1024 + (from & 0xfU));
    network.send(sender, kGatewayV4, 0, packet);
    fuzz::must(gateway.endpoint().connections() <= 10);
  }
  network.run_for(std::chrono::seconds(120));
  fuzz::must(gateway.endpoint().connections() == 0);
  return 0;
}
