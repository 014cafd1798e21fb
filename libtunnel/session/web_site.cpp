#include "libtunnel/session/web_site.hpp"

#include <string>

namespace slopn::session {
namespace {

constexpr std::string_view kHomePage =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Welcome</title></head>\n"
    "<body><h1>Welcome</h1><p>This server is up and running.</p></body></html>\n";

constexpr std::string_view kNotFoundPage =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>404 Not Found</title></head>\n"
    "<body><h1>Not Found</h1><p>There is no such page here.</p></body></html>\n";

constexpr std::string_view kMisdirectedPage =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>421 Misdirected "
    "Request</title></head>\n"
    "<body><h1>Misdirected Request</h1><p>That site is not here.</p></body></html>\n";

WebPage page(std::string_view status, std::string_view body, const quic::HeaderList& request)
{
  WebPage made{{{":status", std::string{status}},
                {"content-type", "text/html; charset=utf-8"},
                {"content-length", std::to_string(body.size())}},
               body};
  if (request.get(":method") == "HEAD") made.body = {};
  return made;
}

}  // namespace

WebPage web_page_for(const quic::HeaderList& request)
{
  const std::string_view method = request.get(":method");
  if ((method == "GET" || method == "HEAD") && request.get(":path") == "/")
    return page("200", kHomePage, request);
  return page_not_found(request);
}

WebPage page_misdirected(const quic::HeaderList& request)
{
  return page("421", kMisdirectedPage, request);
}

WebPage page_not_found(const quic::HeaderList& request)
{
  return page("404", kNotFoundPage, request);
}

}  // namespace slopn::session
