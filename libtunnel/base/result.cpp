#include "libtunnel/base/result.hpp"

#include <stdexcept>

namespace slopn {
namespace {

class SlopnCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "slopn"; }

  std::string message(int value) const override
  {
    switch (static_cast<Errc>(value)) {
      case Errc::timed_out:
        return "no answer in time";
      case Errc::invalid_packet:
        return "malformed packet";
      case Errc::peer_closed:
        return "closed by the peer";
      case Errc::auth_rejected:
        return "authentication refused";
      case Errc::platform_denied:
        return "refused by the operating system";
      case Errc::invalid_argument:
        return "invalid value";
      case Errc::not_found:
        return "not found";
      case Errc::already_exists:
        return "already exists";
      case Errc::identity_mismatch:
        return "the gateway's certificate is not the trusted one";
      case Errc::protocol_violation:
        return "the peer broke the protocol";
      case Errc::pool_exhausted:
        return "no inner address is left";
      case Errc::unreachable:
        return "unreachable";
      case Errc::path_too_small:
        return "the path is too small for the tunnel";
      case Errc::refused:
        return "refused";
      case Errc::cancelled:
        return "cancelled";
      case Errc::tls_failure:
        return "TLS handshake failed";
      case Errc::busy:
        return "in use";
      case Errc::data_corrupt:
        return "damaged data";
    }
    return "unknown slopn error";
  }
};

}  // namespace

boost::system::error_code make_error_code(Errc code) noexcept
{
  static const SlopnCategory kCategory;
  return {static_cast<int>(code), kCategory};
}

Error Error::within(std::string_view operation) &&
{
  std::string outer{operation};
  if (!context.empty()) outer.append(": ").append(context);
  return {code, std::move(outer)};
}

std::string Error::message() const
{
  return context.empty() ? code.message() : context + ": " + code.message();
}

Error fail(boost::system::error_code code, std::string_view context)
{
  return {code, std::string{context}};
}

bool is_retryable(Errc code) noexcept
{
  switch (code) {
    case Errc::timed_out:
    case Errc::invalid_packet:
    case Errc::peer_closed:
    case Errc::pool_exhausted:
    case Errc::unreachable:
    case Errc::path_too_small:
    case Errc::refused:
    case Errc::protocol_violation:
    case Errc::tls_failure:
    case Errc::busy:
      return true;
    case Errc::auth_rejected:
    case Errc::platform_denied:
    case Errc::invalid_argument:
    case Errc::not_found:
    case Errc::already_exists:
    case Errc::identity_mismatch:
    case Errc::cancelled:
    case Errc::data_corrupt:
      return false;
  }
  return false;
}

bool is_retryable(const boost::system::error_code& code) noexcept
{
  if (code.category() == make_error_code(Errc{}).category())
    return is_retryable(static_cast<Errc>(code.value()));
  return true;
}

void throw_exception_from_error(const Error& error, const boost::source_location&)
{
  throw std::logic_error("unchecked result: " + error.message());
}

}  // namespace slopn
