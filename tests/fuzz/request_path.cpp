// The path of a request to a gateway, from a visitor who may be anybody.

#include <cstddef>
#include <cstdint>

#include "libtunnel/session/request_path.hpp"
#include "libtunnel/session/web_site.hpp"
#include "tests/fuzz/must.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const std::string_view path = as_text(view(data, size));
  const session::RequestPath meaning = session::classify_path(path);
  if (meaning != session::RequestPath::elsewhere)
    fuzz::must(path.starts_with("/.well-known/masque/ip/") && path.ends_with('/'));

  quic::HeaderList request{{":method", "GET"}};
  request.add(":path", path);
  const session::WebPage page = session::web_page_for(request);
  fuzz::must((page.headers.get(":status") == "200") == (path == "/"));
  return 0;
}
