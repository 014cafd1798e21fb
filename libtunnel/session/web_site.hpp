#pragma once

#include <string_view>

#include "libtunnel/quic/http3_connection.hpp"

namespace slopn::session {

/// One answer of the plain web site that a gateway shows to everybody.
struct WebPage {
  quic::HeaderList headers;
  std::string_view body;  ///< A literal; empty for HEAD.
};

/// The answer to `request`: a page for `GET /`, and "404 Not Found" for everything else, so that a
/// tunnel request without credentials looks like any mistyped address.
[[nodiscard]] WebPage web_page_for(const quic::HeaderList& request);

/// "421 Misdirected Request": the request names a host that is not ours (RFC 9110 s. 15.5.20).
[[nodiscard]] WebPage page_misdirected(const quic::HeaderList& request);

/// "404 Not Found", whatever was asked.
[[nodiscard]] WebPage page_not_found(const quic::HeaderList& request);

}  // namespace slopn::session
