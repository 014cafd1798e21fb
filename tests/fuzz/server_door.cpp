// One UDP payload that belongs to no connection.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "libtunnel/quic/server_door.hpp"
#include "tests/fuzz/must.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  using quic::ServerDoor;
  const ByteView packet = view(data, size);
  const quic::UdpPath path{.local = *UdpEndpoint::parse("192.0.2.1:443"),
                           .remote = *UdpEndpoint::parse("198.51.100.1:1024")};
  const Clock::time_point now{std::chrono::hours(1)};

  if (const auto id = quic::destination_of(packet)) fuzz::must(id->bytes().size() <= 20);
  for (const auto proof :
       {ServerDoor::AddressProof::optional, ServerDoor::AddressProof::required}) {
    ServerDoor door{quic::ResetSecret{1}, quic::ConnectionIdFactory{0}};
    const auto decision = door.decide(path, packet, proof, now);
    if (const auto* answer = std::get_if<ServerDoor::Answer>(&decision)) {
      // Never more than was sent: nobody can use us against somebody else.
      fuzz::must(!answer->reply.empty() && answer->reply.size() < packet.size());
    }
    if (std::holds_alternative<ServerDoor::LetIn>(decision)) {
      fuzz::must(packet.size() >= 1200);
      fuzz::must(proof == ServerDoor::AddressProof::optional);  // no token can be guessed
    }
  }
  return 0;
}
