#include <catch2/catch_test_macros.hpp>

#include "libtunnel/session/request_path.hpp"

using slopn::session::classify_path;
using slopn::session::RequestPath;

TEST_CASE("request path: the template for any target and protocol is the tunnel", "[unit][session]")
{
  CHECK(classify_path(slopn::session::kTunnelPath) == RequestPath::tunnel);
  CHECK(classify_path("/.well-known/masque/ip/%2A/%2a/") == RequestPath::tunnel);
  CHECK(classify_path("/.well-known/masque/ip/*/%2A/") == RequestPath::tunnel);
}

TEST_CASE("request path: one target or one protocol is a narrower tunnel", "[unit][session]")
{
  for (const char* path :
       {"/.well-known/masque/ip/192.0.2.0%2F24/*/", "/.well-known/masque/ip/*/17/",
        "/.well-known/masque/ip/2001%3Adb8%3A%3A%2F32/58/",
        "/.well-known/masque/ip/host.example/*/", "/.well-known/masque/ip/**/*/"})
    CHECK(classify_path(path) == RequestPath::narrower_tunnel);
}

TEST_CASE("request path: everything else is elsewhere", "[unit][session]")
{
  for (const char* path :
       {"", "/", "/index.html", "/.well-known/masque/ip/", "/.well-known/masque/ip//",
        "/.well-known/masque/ip///", "/.well-known/masque/ip/*/", "/.well-known/masque/ip/*/*",
        "/.well-known/masque/ip/*//", "/.well-known/masque/ip//*/", "/.well-known/masque/ip/*/*/*/",
        "/.well-known/masque/udp/*/*/", "/.WELL-KNOWN/masque/ip/*/*/",
        "//.well-known/masque/ip/*/*/", "/.well-known/masque/ip/*/*/?x=/"})
    CHECK(classify_path(path) == RequestPath::elsewhere);
}
