// What a visitor without credentials sees: an ordinary web server.

#include <catch2/catch_test_macros.hpp>

#include "tests/support/http3_peers.hpp"
#include "tests/support/tunnel_hosts.hpp"

using namespace slopn;
using namespace slopn::test;
using namespace std::chrono_literals;

namespace {

quic::HeaderList request(std::string_view method, std::string_view path)
{
  quic::HeaderList headers;
  headers.add(":method", method);
  headers.add(":scheme", "https");
  headers.add(":authority", kGatewayV4.to_string());
  headers.add(":path", path);
  return headers;
}

struct Visit {
  Visit() { connected = visitor.connect(); }

  TunnelScene scene;
  Http3Visitor visitor{scene.network, client_address(7), kGatewayV4};
  bool connected = false;
};

void check_same(const Http3Peer::Message& a, const Http3Peer::Message& b)
{
  CHECK(std::ranges::equal(a.headers.fields(), b.headers.fields()));
  CHECK(a.body == b.body);
  CHECK(a.complete == b.complete);
}

}  // namespace

TEST_CASE("web site: GET / is a page", "[sim][web]")
{
  Visit visit;
  REQUIRE(visit.connected);
  const auto page = visit.visitor.ask(request("GET", "/"));
  CHECK(page.status() == "200");
  CHECK(page.headers.get("content-type") == "text/html; charset=utf-8");
  CHECK(page.headers.get("content-length") == std::to_string(page.body.size()));
  CHECK(page.body.find("<html") != std::string::npos);
  CHECK(page.complete);
}

TEST_CASE("web site: HEAD / is the page without its body", "[sim][web]")
{
  Visit visit;
  REQUIRE(visit.connected);
  const auto page = visit.visitor.ask(request("HEAD", "/"));
  CHECK(page.status() == "200");
  CHECK(page.headers.get("content-length") ==
        visit.visitor.ask(request("GET", "/")).headers.get("content-length"));
  CHECK(page.body.empty());
  CHECK(page.complete);
}

TEST_CASE("web site: the tunnel's path without credentials is like any other", "[sim][web]")
{
  Visit visit;
  REQUIRE(visit.connected);
  const auto elsewhere = visit.visitor.ask(request("GET", "/no-such-page"));
  CHECK(elsewhere.status() == "404");
  check_same(visit.visitor.ask(request("GET", "/.well-known/masque/ip/*/*/")), elsewhere);
  check_same(visit.visitor.ask(visit.visitor.tunnel_request(), Http3Visitor::Body::open),
             elsewhere);
  check_same(visit.visitor.ask(request("POST", "/")), elsewhere);
  auto with_key = visit.visitor.tunnel_request();
  with_key.add("authorization", visit.visitor.concealed_authorization(crypto::KeyPair::generate()));
  check_same(visit.visitor.ask(with_key, Http3Visitor::Body::open), elsewhere);
  CHECK(visit.scene.gateway->visitors.empty());
}

TEST_CASE("web site: a visitor may ask often, one after another", "[sim][web]")
{
  Visit visit;
  REQUIRE(visit.connected);
  for (int i = 0; i < 100; ++i) REQUIRE(visit.visitor.ask(request("GET", "/")).status() == "200");
}

TEST_CASE("web site: an upload is taken and goes nowhere", "[sim][web]")
{
  Visit visit;
  REQUIRE(visit.connected);
  const auto stream = visit.visitor.request(request("POST", "/upload"), Http3Visitor::Body::open);
  const std::string block(10'000, 'x');
  for (int i = 0; i < 100; ++i) {
    visit.visitor.http().send_body(stream, as_bytes(block));
    visit.visitor.flush(visit.scene.network.now());
    visit.scene.network.run_for(50ms);
  }
  visit.visitor.http().finish(stream);
  visit.visitor.flush(visit.scene.network.now());
  CHECK(visit.scene.network.run_until([&] { return visit.visitor.messages[stream].gone; }, 5s));
  CHECK(visit.visitor.messages[stream].status() == "404");
  CHECK_FALSE(visit.visitor.quic().ending());
}

TEST_CASE("web site: too many header fields end only that request", "[sim][web]")
{
  Visit visit;
  REQUIRE(visit.connected);
  auto long_one = request("GET", "/");
  SECTION("many")
  {
    for (int i = 0; i < 200; ++i) long_one.add("x-" + std::to_string(i), "y");
  }
  SECTION("long")
  {
    long_one.add("x-long", std::string(40'000, 'y'));
  }
  const auto refused = visit.visitor.ask(long_one);
  CHECK(refused.status().empty());
  CHECK(refused.gone);
  CHECK(visit.visitor.ask(request("GET", "/")).status() == "200");
}
