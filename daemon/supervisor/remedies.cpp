#include "daemon/supervisor/remedies.hpp"

namespace slopn::daemon {
namespace {

std::string remedy_for(Errc code)
{
  switch (code) {
    case Errc::auth_rejected:
      return "Ask the gateway's operator whether your public key is still listed there "
             "(slopnctl profile show), or for a new invitation.";
    case Errc::identity_mismatch:
      return "Somebody else answers at the gateway's address, or the gateway has a new "
             "certificate: ask its operator for the pin and import the profile again.";
    case Errc::platform_denied:
      return "slopnd needs root or CAP_NET_ADMIN, and /dev/net/tun.";
    case Errc::pool_exhausted:
      return "The gateway has no free address; its operator can enlarge gateway.pools.";
    case Errc::unreachable:
    case Errc::timed_out:
      return "Check the gateway's address and that UDP to its port is not blocked.";
    case Errc::path_too_small:
      return "The network's MTU is too small for the tunnel.";
    case Errc::data_corrupt:
    case Errc::not_found:
      return "Import the profile again (slopnctl profile import).";
    case Errc::tls_failure:
      return "Check that the address is a slopn or CONNECT-IP gateway.";
    case Errc::invalid_packet:
    case Errc::peer_closed:
    case Errc::invalid_argument:
    case Errc::already_exists:
    case Errc::protocol_violation:
    case Errc::refused:
    case Errc::cancelled:
    case Errc::busy:
      return {};
  }
  return {};
}

}  // namespace

std::string remedy_for(const Error& error)
{
  if (error.code.category() != make_error_code(Errc::timed_out).category()) return {};
  return remedy_for(static_cast<Errc>(error.code.value()));
}

}  // namespace slopn::daemon
