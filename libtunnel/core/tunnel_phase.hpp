#pragma once

#include <cstdint>

namespace slopn::tunnel {

/// How far a try to connect has come.
enum class Phase : std::uint8_t {
  resolving,       ///< Asks for the gateway's addresses.
  handshaking,     ///< QUIC and TLS, with one address or several.
  authenticating,  ///< The gateway decides whether we may come in.
  configuring,     ///< Addresses, routes, the interface.
};

}  // namespace slopn::tunnel
