#include "daemon/supervisor/remedies.hpp"

#include <algorithm>
#include <array>

namespace slopn::daemon {
namespace {

struct Advice {
  ErrorClass kind;
  std::string_view remedy;
};

// Total over Errc: a new value does not compile until somebody has thought about it.
Advice advice_for(Errc code)
{
  switch (code) {
    case Errc::timed_out:
    case Errc::unreachable:
      return {ErrorClass::network,
              "Check this host's network, the gateway's address, and that UDP to its port is not "
              "blocked on the way."};
    case Errc::peer_closed:
      return {ErrorClass::network,
              "The gateway ended the connection; its log says why. It is tried again."};
    case Errc::path_too_small:
      return {ErrorClass::network, "The network's MTU is too small for the tunnel."};
    case Errc::busy:
    case Errc::refused:
      return {ErrorClass::network,
              "The gateway cannot serve this client at present; it is tried again."};
    case Errc::pool_exhausted:
      return {ErrorClass::network,
              "The gateway has no free address; its operator can enlarge gateway.pools."};
    case Errc::auth_rejected:
      return {ErrorClass::authentication,
              "Ask the gateway's operator whether your public key is still listed there "
              "(slopnctl profile show), or for a new invitation."};
    case Errc::identity_mismatch:
      return {ErrorClass::authentication,
              "Somebody else answers at the gateway's address, or the gateway has a new "
              "certificate: ask its operator for the pin and import the profile again."};
    case Errc::invalid_argument:
      return {ErrorClass::configuration,
              "Correct the profile or the configuration; slopnd --check names the place."};
    case Errc::not_found:
    case Errc::already_exists:
    case Errc::data_corrupt:
      return {ErrorClass::configuration, "Import the profile again (slopnctl profile import)."};
    case Errc::platform_denied:
      return {ErrorClass::system, "slopnd needs root or CAP_NET_ADMIN, and /dev/net/tun."};
    case Errc::invalid_packet:
    case Errc::protocol_violation:
      return {ErrorClass::protocol,
              "Check that the address is that of a slopn or CONNECT-IP gateway, and that both ends "
              "are up to date."};
    case Errc::tls_failure:
      return {ErrorClass::protocol, "Check that the address is a slopn or CONNECT-IP gateway."};
    case Errc::cancelled:
      return {ErrorClass::internal, "Connect again (slopnctl connect)."};
  }
  return {ErrorClass::internal, ""};
}

Advice advice_for(const Error& error)
{
  if (error.code.category() == make_error_code(Errc{}).category())
    return advice_for(static_cast<Errc>(error.code.value()));
  namespace errc = boost::system::errc;
  constexpr std::array kOfTheNetwork{errc::network_unreachable, errc::host_unreachable,
                                     errc::network_down,        errc::connection_refused,
                                     errc::connection_reset,    errc::address_not_available,
                                     errc::timed_out,           errc::operation_canceled};
  const bool network = std::ranges::any_of(kOfTheNetwork, [&](errc::errc_t one) {
    return error.code == errc::make_error_condition(one);
  });
  if (network)
    return {ErrorClass::network, "Check this host's network: it has no way to the gateway."};
  return {ErrorClass::system,
          "slopnd needs root or CAP_NET_ADMIN, and /dev/net/tun; its log has more "
          "(journalctl -u slopnd)."};
}

}  // namespace

ErrorClass class_of(const Error& error)
{
  return advice_for(error).kind;
}

std::string remedy_for(const Error& error)
{
  return std::string{advice_for(error).remedy};
}

Problem to_problem(const Error& error)
{
  return {error, class_of(error), remedy_for(error)};
}

}  // namespace slopn::daemon
