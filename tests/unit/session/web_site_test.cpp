#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "libtunnel/session/web_site.hpp"

using namespace slopn::session;
using slopn::quic::HeaderList;

namespace {

HeaderList ask(std::string_view method, std::string_view path)
{
  HeaderList request;
  request.add(":method", method);
  request.add(":path", path);
  return request;
}

bool equal(const WebPage& a, const WebPage& b)
{
  return std::ranges::equal(a.headers.fields(), b.headers.fields()) && a.body == b.body;
}

}  // namespace

TEST_CASE("web site: has one page", "[unit][session]")
{
  const WebPage page = web_page_for(ask("GET", "/"));
  CHECK(page.headers.get(":status") == "200");
  CHECK(page.headers.get("content-length") == std::to_string(page.body.size()));
  CHECK(page.body.find("slopn") == std::string_view::npos);
}

TEST_CASE("web site: HEAD has the headers of GET and no body", "[unit][session]")
{
  for (const char* path : {"/", "/elsewhere"}) {
    const WebPage get = web_page_for(ask("GET", path));
    const WebPage head = web_page_for(ask("HEAD", path));
    CHECK(std::ranges::equal(get.headers.fields(), head.headers.fields()));
    CHECK(head.body.empty());
  }
}

TEST_CASE("web site: everything else is not found, in one way only", "[unit][session]")
{
  const WebPage missing = page_not_found(ask("GET", "/elsewhere"));
  CHECK(missing.headers.get(":status") == "404");
  for (const auto& request :
       {ask("GET", "/elsewhere"), ask("POST", "/"), ask("CONNECT", "/.well-known/masque/ip/*/*/"),
        ask("GET", ""), ask("", "/"), HeaderList{}})
    CHECK(equal(web_page_for(request), missing));
}
