#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "libtunnel/quic/server_door.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/http3_peers.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::quic;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

constexpr Clock::time_point kNow{1h};
constexpr ResetSecret kSecret{5};
const UdpPath kPath{.local = kGatewayV4, .remote = client_address(1)};

// What a real client sends first, and what it says to `answer`.
struct Client {
  Client()
  {
    network.filter = [this](const UdpEndpoint& from, const UdpEndpoint&, ByteView payload) {
      if (from == kGatewayV4) return true;
      sent.emplace_back(payload.begin(), payload.end());
      return false;
    };
    visitor = std::make_unique<Http3Visitor>(network, client_address(1), kGatewayV4);
  }
  ByteVector say_to(ByteView answer)
  {
    sent.clear();
    network.send(kGatewayV4, client_address(1), 0, answer);
    network.run_for(20ms);
    return sent.empty() ? ByteVector{} : sent.front();
  }

  SimulatedNetwork network;
  std::vector<ByteVector> sent;
  std::unique_ptr<Http3Visitor> visitor;
};

template <class Wanted>
bool is(const ServerDoor::Decision& decision)
{
  return std::holds_alternative<Wanted>(decision);
}

ServerDoor door()
{
  return ServerDoor{kSecret, ConnectionIdFactory{0}};
}

constexpr auto kOptional = ServerDoor::AddressProof::optional;
constexpr auto kRequired = ServerDoor::AddressProof::required;

ByteVector short_header(std::size_t size_bytes)
{
  ByteVector packet(size_bytes, std::byte{0x33});
  packet[0] = std::byte{0x40};
  return packet;
}

}  // namespace

TEST_CASE("server door: finds the destination of long and short headers", "[unit][quic]")
{
  const auto of = [](std::string_view text) { return destination_of(hex(text)); };
  CHECK(to_hex(of("40 1122334455667788 99")->bytes()) == "1122334455667788");
  CHECK(to_hex(of("c0 00000001 04 aabbccdd 02 eeff 00")->bytes()) == "aabbccdd");
  CHECK(to_hex(of("c0 00000001 00 00 00 4000 0000")->bytes()).empty());
}

TEST_CASE("server door: finds none in what is no QUIC packet", "[unit][quic]")
{
  for (const char* text : {"", "40", "40 11223344556677", "c0", "c0 00000001", "c0 00000001 ff",
                           "c0 00000001 15 00112233445566778899aabbccddeeff0011223344 00"})
    CHECK_FALSE(destination_of(hex(text)));
}

TEST_CASE("server door: lets a client's first packet in", "[unit][quic]")
{
  Client client;
  const auto decision = door().decide(kPath, client.sent.at(0), kOptional, kNow);
  REQUIRE(is<ServerDoor::LetIn>(decision));
  const AcceptedInitial& initial = std::get<ServerDoor::LetIn>(decision).initial;
  CHECK(initial.version == 1);
  CHECK(initial.client_chosen == destination_of(client.sent[0]));
  CHECK_FALSE(initial.before_retry);
  CHECK(initial.token.empty());
}

TEST_CASE("server door: under load a client comes back with the token it was sent", "[unit][quic]")
{
  Client client;
  const auto first = door().decide(kPath, client.sent.at(0), kRequired, kNow);
  REQUIRE(is<ServerDoor::Answer>(first));
  const auto original = destination_of(client.sent[0]);
  CHECK(std::get<ServerDoor::Answer>(first).reply.size() < client.sent[0].size());

  const ByteVector second = client.say_to(std::get<ServerDoor::Answer>(first).reply);
  REQUIRE_FALSE(second.empty());
  const auto decision = door().decide(kPath, second, kRequired, kNow + 1s);
  REQUIRE(is<ServerDoor::LetIn>(decision));
  CHECK(std::get<ServerDoor::LetIn>(decision).initial.before_retry == original);

  SECTION("the token is no good from another address")
  {
    UdpPath elsewhere = kPath;
    elsewhere.remote = client_address(2);
    CHECK(is<ServerDoor::Answer>(door().decide(elsewhere, second, kOptional, kNow + 1s)));
  }
  SECTION("nor after ten seconds")
  {
    CHECK(is<ServerDoor::Answer>(door().decide(kPath, second, kOptional, kNow + 11s)));
  }
  SECTION("nor at a gateway with another secret")
  {
    ServerDoor other{ResetSecret{6}, ConnectionIdFactory{0}};
    CHECK(is<ServerDoor::Answer>(other.decide(kPath, second, kOptional, kNow + 1s)));
  }
}

TEST_CASE("server door: ignores first packets that are too short", "[unit][quic]")
{
  Client client;
  ByteVector packet = client.sent.at(0);
  packet.resize(1199);
  CHECK(is<ServerDoor::Ignore>(door().decide(kPath, packet, kOptional, kNow)));
  CHECK(is<ServerDoor::Ignore>(door().decide(kPath, packet, kRequired, kNow)));
  CHECK(is<ServerDoor::Ignore>(door().decide(kPath, {}, kOptional, kNow)));
}

TEST_CASE("server door: names its versions to a stranger, with less than it got", "[unit][quic]")
{
  ByteVector packet = hex("c0 1a2a3a4a 08 1122334455667788 04 aabbccdd");
  packet.resize(1200);
  const auto decision = door().decide(kPath, packet, kRequired, kNow);
  REQUIRE(is<ServerDoor::Answer>(decision));
  CHECK(std::get<ServerDoor::Answer>(decision).reply.size() < 100);
  packet.resize(1199);
  CHECK(is<ServerDoor::Ignore>(door().decide(kPath, packet, kRequired, kNow)));
}

TEST_CASE("server door: never answers a Version Negotiation packet", "[unit][quic]")
{
  ByteVector packet = hex("c0 00000000 08 1122334455667788 04 aabbccdd 00000001");
  packet.resize(1200);
  CHECK_FALSE(is<ServerDoor::LetIn>(door().decide(kPath, packet, kOptional, kNow)));
  CHECK_FALSE(is<ServerDoor::Answer>(door().decide(kPath, packet, kOptional, kNow)));
}

TEST_CASE("server door: ignores 0-RTT, Handshake and Retry packets of nobody", "[unit][quic]")
{
  for (const char* first : {"d0", "e0", "f0"}) {
    ByteVector packet =
        concat(hex(first), hex("00000001 08 1122334455667788 04 aabbccdd 4400 00000000"));
    packet.resize(1200);
    CHECK(is<ServerDoor::Ignore>(door().decide(kPath, packet, kOptional, kNow)));
  }
}

TEST_CASE("server door: resets connections it does not know, always shorter than it got",
          "[unit][quic]")
{
  ServerDoor one = door();
  for (std::size_t size = 1; size < 100; ++size) {
    const auto decision = one.decide(kPath, short_header(size), kOptional, kNow + size * 1s);
    if (size <= 21) {
      CHECK(is<ServerDoor::Ignore>(decision));
    } else {
      REQUIRE(is<ServerDoor::Answer>(decision));
      const ByteVector& reply = std::get<ServerDoor::Answer>(decision).reply;
      CHECK(reply.size() < size);
      CHECK(reply.size() >= 21);
      // It looks like any packet with a short header.
      CHECK((std::to_integer<unsigned>(reply[0]) & 0xc0U) == 0x40U);
    }
  }
}

TEST_CASE("server door: the reset token depends on the id and the secret only", "[unit][quic]")
{
  const auto token = [](ServerDoor from, std::size_t size) {
    const auto decision = from.decide(kPath, short_header(size), kOptional, kNow);
    const ByteVector& reply = std::get<ServerDoor::Answer>(decision).reply;
    return to_hex(ByteView{reply}.last(16));
  };
  CHECK(token(door(), 50) == token(door(), 90));
  CHECK(token(door(), 50) != token(ServerDoor{ResetSecret{6}, ConnectionIdFactory{0}}, 50));
}

TEST_CASE("server door: does not reset without limit", "[unit][quic]")
{
  ServerDoor one = door();
  const auto answers = [&](Clock::time_point now) {
    int count = 0;
    for (int i = 0; i < 5000; ++i)
      count += is<ServerDoor::Answer>(one.decide(kPath, short_header(60), kOptional, now)) ? 1 : 0;
    return count;
  };
  const int in_one_second = answers(kNow);
  CHECK(in_one_second > 0);
  CHECK(in_one_second <= 1000);
  CHECK(answers(kNow + 500ms) == 0);
  CHECK(answers(kNow + 2s) == in_one_second);
}
