#pragma once

#include <cstdint>
#include <string_view>

namespace slopn::session {

/// What the `:path` of a request to a gateway means.
enum class RequestPath : std::uint8_t {
  tunnel,           ///< CONNECT-IP for any target and protocol: all this gateway carries.
  narrower_tunnel,  ///< CONNECT-IP for one target or protocol (RFC 9484 section 4.6).
  elsewhere,        ///< Not below the well-known template.
};

/// Matches `/.well-known/masque/ip/{target}/{ipproto}/` (RFC 9484 section 4.1) with both variables
/// being "*", which may be percent-encoded.
[[nodiscard]] RequestPath classify_path(std::string_view path) noexcept;

/// The same template, expanded for any target and protocol.
inline constexpr std::string_view kTunnelPath = "/.well-known/masque/ip/*/*/";

}  // namespace slopn::session
