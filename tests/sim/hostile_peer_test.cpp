// Peers that know the protocol and break it: a client against our gateway, a gateway against our
// client.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "libtunnel/core/wire/capsule.hpp"
#include "libtunnel/core/wire/connect_ip.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/http3_peers.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

const IpAddress kBehindV4 = ip("203.0.113.9");

// A client with a valid key and without manners.
struct RudeClient {
  RudeClient()
  {
    connected = visitor.connect();
    if (!connected) return;
    stream = visitor.request(proven(visitor.tunnel_request()), Http3Visitor::Body::open);
    scene.network.run_for(200ms);
  }

  quic::HeaderList proven(quic::HeaderList request)
  {
    request.add("authorization", visitor.concealed_authorization(scene.key));
    return request;
  }
  void say(ByteView bytes)
  {
    visitor.http().send_body(stream, bytes);
    visitor.flush(scene.network.now());
    scene.network.run_for(200ms);
  }
  void send_datagram(ByteView bytes)
  {
    REQUIRE(visitor.send_datagram(bytes));
    scene.network.run_for(50ms);
  }
  void send_packet(ByteView packet) { send_datagram(concat(hex("00 00"), packet)); }
  [[nodiscard]] bool admitted() { return visitor.messages[stream].status() == "200"; }
  [[nodiscard]] std::uint64_t drops(DropReason reason) const
  {
    return scene.gateway->counters().drops[reason];
  }

  TunnelScene scene;
  Http3Visitor visitor{scene.network, client_address(7), kGatewayV4};
  quic::StreamId stream = -1;
  bool connected = false;
};

// A gateway that answers every request as the test wants.
struct RudeGateway {
  explicit RudeGateway(std::function<void(Http3Server&, quic::StreamId)> answer)
  {
    server.on_request = [this, answer](quic::StreamId stream, const quic::HeaderList&) {
      answer(server, stream);
    };
  }
  void run()
  {
    (void)network.run_until([&] { return client.closed(); }, 8s);
  }

  SimulatedNetwork network;
  Http3Server server{network, kGatewayV4};
  ClientHost client{network, {}};
};

ByteVector assign(std::initializer_list<wire::AssignedAddress> addresses)
{
  ByteVector capsule;
  wire::append_address_assign(capsule, std::vector<wire::AssignedAddress>{addresses});
  return capsule;
}

void accept(Http3Server& server, quic::StreamId stream)
{
  (void)server.http().send_response(stream, {{":status", "200"}, {"capsule-protocol", "?1"}});
}

}  // namespace

TEST_CASE("hostile client: foreign sources are dropped and counted at the gateway",
          "[sim][hostile]")
{
  RudeClient client;
  REQUIRE(client.admitted());
  client.scene.network.run_for(1s);
  client.send_packet(inner_packet(ip("10.77.0.99"), kBehindV4, 100));
  client.send_packet(inner_packet(ip("198.51.100.1"), kBehindV4, 100));
  client.send_packet(inner_packet(ip("fd00:77::99"), ip("2001:db8:9::9"), 100));
  CHECK(client.drops(DropReason::foreign_source) == 3);
  client.send_packet(inner_packet(ip("10.77.0.2"), ip("224.0.0.1"), 100));
  client.send_packet(inner_packet(ip("fe80::1"), ip("2001:db8:9::9"), 100));
  client.send_packet(inner_packet(ip("127.0.0.1"), kBehindV4, 100));
  CHECK(client.drops(DropReason::bad_scope) == 3);
  client.send_packet(hex("45000014"));
  client.send_packet({});
  CHECK(client.drops(DropReason::malformed) == 2);
  CHECK(client.scene.gateway->inner_count == 0);
  client.send_packet(inner_packet(ip("10.77.0.2"), kBehindV4, 100));
  CHECK(client.scene.gateway->inner_count == 1);
}

TEST_CASE("hostile client: datagrams for unknown streams and contexts are dropped and counted",
          "[sim][hostile]")
{
  RudeClient client;
  REQUIRE(client.admitted());
  const ByteVector packet = inner_packet(ip("10.77.0.2"), kBehindV4, 100);
  client.send_datagram(concat(hex("05 00"), packet));
  client.send_datagram(concat(hex("80000100 00"), packet));
  client.send_datagram(concat(hex("00 02"), packet));
  client.send_datagram(concat(hex("00 7fff"), packet));
  client.send_datagram(hex("00"));  // no context at all
  CHECK(client.drops(DropReason::unknown_stream) == 2);
  CHECK(client.drops(DropReason::unknown_context) == 3);
  CHECK(client.scene.gateway->inner_count == 0);
  CHECK_FALSE(client.visitor.quic().ending());
}

TEST_CASE("hostile client: a datagram without a readable stream ends the connection",
          "[sim][hostile]")
{
  const char* datagram = GENERATE("d0000000 00000000 00", "c0", "80 00");
  RudeClient client;
  REQUIRE(client.admitted());
  client.send_datagram(hex(datagram));
  CHECK(client.visitor.quic().closed());
  CHECK(client.visitor.quic().close_reason().context.find("51") != std::string::npos);  // 0x33
  CHECK(client.scene.gateway->endpoint().connections() == 0);
}

TEST_CASE("hostile client: malformed capsules end the tunnel", "[sim][hostile]")
{
  const char* capsule = GENERATE("02 00",                          // asks for nothing
                                 "02 07 00 04 00000000 20",        // request id 0
                                 "02 07 01 05 00000000 20",        // IP version 5
                                 "02 07 01 04 00000000 21",        // 33 bits
                                 "02 07 01 04 0a000001 08",        // host bits
                                 "02 03 01 04 00",                 // cut off
                                 "01 08 00 04 00000000 20 00",     // more than it needs
                                 "03 0a 04 0a000002 0a000001 00",  // ends before it starts
                                 "02 bfffffff");                   // longer than we keep
  CAPTURE(capsule);
  RudeClient client;
  REQUIRE(client.admitted());
  client.say(hex(capsule));
  CHECK(client.visitor.quic().closed());
  CHECK(client.scene.gateway->endpoint().connections() == 0);
  REQUIRE(client.scene.gateway->over.size() == 1);
  CHECK(client.scene.gateway->over[0].reason.code == Errc::protocol_violation);
}

TEST_CASE("hostile client: unknown capsules are skipped, however long they say they are",
          "[sim][hostile]")
{
  RudeClient client;
  REQUIRE(client.admitted());
  client.say(hex("21 05 0102030405"));
  client.say(hex("6a4a c000000000001000"));  // 4096 bytes, to come
  client.say(ByteVector(4096));
  client.say(hex("02 07 01 04 00000000 20"));  // still in step: this one is answered
  CHECK_FALSE(client.visitor.quic().ending());
  const std::string& said = client.visitor.messages[client.stream].body;
  // 10.77.0.2/32 in answer to request 1
  CHECK(to_hex(as_bytes(said)).find("01040a4d000220") != std::string::npos);

  client.say(hex("21 ffffffffffffffff"));
  client.say(ByteVector(200'000));
  CHECK_FALSE(client.visitor.quic().ending());
}

TEST_CASE("hostile client: a packet in a DATAGRAM capsule counts like one in a datagram",
          "[sim][hostile]")
{
  RudeClient client;
  REQUIRE(client.admitted());
  const ByteVector good = concat(hex("00"), inner_packet(ip("10.77.0.2"), kBehindV4, 100));
  const ByteVector foreign = concat(hex("00"), inner_packet(ip("10.77.0.3"), kBehindV4, 100));
  ByteVector capsules;
  wire::append_capsule(capsules, wire::CapsuleType::datagram, good);
  wire::append_capsule(capsules, wire::CapsuleType::datagram, foreign);
  client.say(capsules);
  CHECK(client.scene.gateway->inner_count == 1);
  CHECK(client.drops(DropReason::foreign_source) == 1);
}

TEST_CASE("hostile client: asking for addresses for ever is cut short", "[sim][hostile]")
{
  RudeClient client;
  REQUIRE(client.admitted());
  for (std::uint64_t id = 1; id < 3000 && !client.visitor.quic().ending(); ++id) {
    ByteVector capsule;
    const wire::RequestedAddress one{id, IpPrefix::host(IpAddress::any(IpVersion::v4))};
    wire::append_address_request(capsule, std::span{&one, 1});
    client.visitor.http().send_body(client.stream, capsule);
    if (id % 50 == 0) client.say({});
  }
  client.say({});
  CHECK(client.visitor.quic().closed());
}

TEST_CASE("hostile client: a second tunnel on the connection is refused", "[sim][hostile]")
{
  RudeClient client;
  REQUIRE(client.admitted());
  const auto request = client.proven(client.visitor.tunnel_request());
  CHECK(client.visitor.ask(request, Http3Visitor::Body::open).status() == "409");
  CHECK(client.scene.gateway->visitors.size() == 1);
  CHECK_FALSE(client.visitor.quic().ending());
}

TEST_CASE("hostile client: requests we do not serve are refused plainly", "[sim][hostile]")
{
  TunnelScene scene;
  Http3Visitor visitor{scene.network, client_address(7), kGatewayV4};
  REQUIRE(visitor.connect());
  const auto changed = [&](std::string_view name, std::string_view value) {
    const quic::HeaderList usual = visitor.tunnel_request();
    quic::HeaderList request;
    for (const quic::HeaderField& field : usual.fields()) {
      if (field.name != name)
        request.add(field.name, field.value);
      else if (!value.empty())
        request.add(field.name, value);
    }
    request.add("authorization", visitor.concealed_authorization(scene.key));
    return std::string{visitor.ask(request, Http3Visitor::Body::open).status()};
  };
  CHECK(changed(":path", "/.well-known/masque/ip/192.0.2.0%2F24/*/") == "501");
  CHECK(changed(":path", "/.well-known/masque/ip/*/17/") == "501");
  CHECK(changed("capsule-protocol", "") == "400");
  CHECK(changed("capsule-protocol", "?0") == "400");
  CHECK(changed(":path", "/elsewhere") == "404");
  CHECK(changed(":protocol", "websocket") == "404");
  CHECK(scene.gateway->visitors.empty());
}

TEST_CASE("hostile client: ending the request ends the tunnel", "[sim][hostile]")
{
  RudeClient client;
  REQUIRE(client.admitted());
  SECTION("properly")
  {
    client.visitor.http().finish(client.stream);
  }
  SECTION("by reset")
  {
    client.visitor.http().abort(client.stream, quic::kH3RequestCancelled);
  }
  client.visitor.flush(client.scene.network.now());
  client.scene.network.run_for(1s);
  CHECK(client.scene.gateway->sessions().empty());
  CHECK(client.scene.gateway->over.size() == 1);
}

TEST_CASE("hostile client: capsules before the answer are kept, within limits", "[sim][hostile]")
{
  TunnelScene scene;
  scene.gateway->admits_at_once = false;
  Http3Visitor visitor{scene.network, client_address(7), kGatewayV4};
  REQUIRE(visitor.connect());
  auto request = visitor.tunnel_request();
  request.add("authorization", visitor.concealed_authorization(scene.key));
  const auto stream = visitor.request(request, Http3Visitor::Body::open);
  const auto say = [&](ByteView bytes) {
    visitor.http().send_body(stream, bytes);
    visitor.flush(scene.network.now());
    scene.network.run_for(200ms);
  };
  say(hex("02 07 05 04 00000000 20"));
  REQUIRE(scene.gateway->visitors.size() == 1);

  SECTION("kept")
  {
    scene.gateway->admit(session::SessionId{1}, scene.gateway->visitors[0]);
    scene.network.run_for(200ms);
    const std::string& said = visitor.messages[stream].body;
    CHECK(to_hex(as_bytes(said)).find("05040a4d000220") != std::string::npos);
  }
  SECTION("too many")
  {
    say(ByteVector(5000));
    CHECK(visitor.quic().closed());
    CHECK(scene.gateway->endpoint().connections() == 0);
    // The answer comes too late and is told so.
    CHECK_FALSE(scene.gateway->endpoint().admit(session::SessionId{1}, {}, scene.network.now()));
  }
}

TEST_CASE("hostile client: connection IDs that come and go are forgotten", "[sim][hostile]")
{
  TunnelScene scene;
  REQUIRE(scene.connect());
  scene.network.run_for(1s);
  for (std::uint32_t i = 0; i < 200; ++i) {
    scene.client->move_to(client_address(100 + i));
    scene.client->send(inner_packet(scene.client->inner_address(IpVersion::v4), kBehindV4, 100, i));
    scene.network.run_for(500ms);
  }
  CHECK_FALSE(scene.client->closed());
  scene.gateway->endpoint().for_each_session(
      [](const session::GatewaySession& session) { CHECK(session.connection_ids.size() < 20); });
}

TEST_CASE("hostile gateway: answers that are no acceptance end the try", "[sim][hostile]")
{
  const auto [status, code] = GENERATE(table<const char*, Errc>({
      {"204", Errc::refused},
      {"301", Errc::refused},
      {"400", Errc::refused},
      {"401", Errc::auth_rejected},
      {"403", Errc::auth_rejected},
      {"404", Errc::auth_rejected},
      {"500", Errc::refused},
      {"503", Errc::refused},
      {"999", Errc::refused},
  }));
  CAPTURE(status);
  RudeGateway gateway{[status = std::string{status}](Http3Server& server, quic::StreamId stream) {
    (void)server.http().send_response(stream, {{":status", status}});
    server.http().finish(stream);
  }};
  gateway.run();
  REQUIRE(gateway.client.closed());
  CHECK(gateway.client.close_code() == code);
}

TEST_CASE("hostile gateway: an accepted tunnel that ends at once is closed", "[sim][hostile]")
{
  RudeGateway gateway{[](Http3Server& server, quic::StreamId stream) {
    accept(server, stream);
    server.http().finish(stream);
  }};
  gateway.run();
  CHECK(gateway.client.close_code() == Errc::refused);
}

TEST_CASE("hostile gateway: a reset of the request ends the tunnel", "[sim][hostile]")
{
  const bool before_the_answer = GENERATE(true, false);
  RudeGateway gateway{[=](Http3Server& server, quic::StreamId stream) {
    if (before_the_answer) return server.http().abort(stream, quic::kH3RequestCancelled);
    accept(server, stream);
    server.http().send_body(stream, assign({{0, prefix("10.1.2.3/32")}}));
  }};
  if (!before_the_answer) {
    REQUIRE(gateway.network.run_until([&] { return gateway.client.online(); }, 5s));
    gateway.server.http().abort(0, quic::kH3InternalError);
    gateway.server.flush(gateway.network.now());
  }
  gateway.run();
  CHECK(gateway.client.close_code() == Errc::peer_closed);
}

TEST_CASE("hostile gateway: malformed capsules end the tunnel", "[sim][hostile]")
{
  const char* capsule = GENERATE("01 07 00 04 0a000001 08", "03 0a 06 0a000001 0a000002 00",
                                 "01 06 00 04 0a000001", "01 bfffffff", "02 00");
  RudeGateway gateway{[=](Http3Server& server, quic::StreamId stream) {
    accept(server, stream);
    server.http().send_body(stream, hex(capsule));
  }};
  gateway.run();
  CHECK(gateway.client.close_code() == Errc::protocol_violation);
}

TEST_CASE("hostile gateway: packets for others never reach the host", "[sim][hostile]")
{
  RudeGateway gateway{[](Http3Server& server, quic::StreamId stream) {
    accept(server, stream);
    server.http().send_body(stream, assign({{0, prefix("10.1.2.3/32")}}));
  }};
  REQUIRE(gateway.network.run_until([&] { return gateway.client.online(); }, 5s));
  const auto send = [&](ByteView packet) {
    REQUIRE(gateway.server.send_datagram(concat(hex("00 00"), packet)));
    gateway.network.run_for(100ms);
  };
  send(inner_packet(kBehindV4, ip("192.168.1.1"), 100));
  send(inner_packet(kBehindV4, ip("10.1.2.4"), 100));
  send(inner_packet(ip("2001:db8::9"), ip("fd00::1"), 100));
  send(inner_packet(kBehindV4, ip("127.0.0.1"), 100));
  send(hex("45"));
  const DropCounters drops = gateway.client.session().counters().drops;
  CHECK(gateway.client.inner_count == 0);
  CHECK(drops[DropReason::foreign_destination] == 2);
  CHECK(drops[DropReason::not_assigned] == 1);
  CHECK(drops[DropReason::bad_scope] == 1);
  CHECK(drops[DropReason::malformed] == 1);
  send(inner_packet(kBehindV4, ip("10.1.2.3"), 100));
  CHECK(gateway.client.inner_count == 1);
}

TEST_CASE("hostile gateway: an address that changes is followed, none left is an end",
          "[sim][hostile]")
{
  RudeGateway gateway{[](Http3Server& server, quic::StreamId stream) {
    accept(server, stream);
    server.http().send_body(stream, assign({{0, prefix("10.1.2.3/32")}}));
  }};
  REQUIRE(gateway.network.run_until([&] { return gateway.client.online(); }, 5s));
  const auto say = [&](ByteView bytes) {
    gateway.server.http().send_body(0, bytes);
    gateway.server.flush(gateway.network.now());
    gateway.network.run_for(100ms);
  };
  say(assign({{0, prefix("10.9.9.9/32")}}));
  CHECK(gateway.client.inner_address(IpVersion::v4) == ip("10.9.9.9"));
  say(assign({}));
  CHECK(gateway.client.closed());
  CHECK(gateway.client.close_code() == Errc::refused);
}

TEST_CASE("hostile gateway: no address at all is a timeout, a refusal an empty pool",
          "[sim][hostile]")
{
  const bool refuses = GENERATE(true, false);
  RudeGateway gateway{[](Http3Server& server, quic::StreamId stream) { accept(server, stream); }};
  gateway.network.run_for(500ms);  // by now it has asked, with ids 1 and 2
  if (refuses) {
    gateway.server.http().send_body(
        0, assign({{1, wire::refusal(IpVersion::v4)}, {2, wire::refusal(IpVersion::v6)}}));
    gateway.server.flush(gateway.network.now());
  }
  gateway.run();
  CHECK(gateway.client.close_code() == (refuses ? Errc::pool_exhausted : Errc::timed_out));
}
