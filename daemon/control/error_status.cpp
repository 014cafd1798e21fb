#include "daemon/control/error_status.hpp"

#include <string>

#include "libtunnel/base/text.hpp"

namespace slopn::control {
namespace {

// What a code says to somebody who programs against gRPC, and what people can do about it.
struct Meaning {
  grpc::StatusCode status;
  std::string_view remedy;
};

Meaning meaning_of(Errc code)
{
  using grpc::StatusCode;
  switch (code) {
    case Errc::timed_out:
      return {StatusCode::DEADLINE_EXCEEDED, "check that the gateway runs and its port is open"};
    case Errc::invalid_packet:
      return {StatusCode::INTERNAL, ""};
    case Errc::peer_closed:
      return {StatusCode::UNAVAILABLE, "look into the gateway's log"};
    case Errc::auth_rejected:
      return {StatusCode::UNAUTHENTICATED, "ask for a new invitation, or have the key added"};
    case Errc::platform_denied:
      return {StatusCode::FAILED_PRECONDITION, "look into slopnd's log (journalctl -u slopnd)"};
    case Errc::invalid_argument:
      return {StatusCode::INVALID_ARGUMENT, ""};
    case Errc::not_found:
      return {StatusCode::NOT_FOUND, ""};
    case Errc::already_exists:
      return {StatusCode::ALREADY_EXISTS, ""};
    case Errc::identity_mismatch:
      return {StatusCode::UNAUTHENTICATED,
              "if the gateway's key was changed on purpose, import its new profile; otherwise "
              "somebody stands between"};
    case Errc::protocol_violation:
      return {StatusCode::INTERNAL, ""};
    case Errc::pool_exhausted:
      return {StatusCode::RESOURCE_EXHAUSTED, "give the gateway larger address pools"};
    case Errc::unreachable:
      return {StatusCode::UNAVAILABLE, "check this machine's network"};
    case Errc::path_too_small:
      return {StatusCode::FAILED_PRECONDITION, ""};
    case Errc::refused:
      return {StatusCode::FAILED_PRECONDITION, ""};
    case Errc::cancelled:
      return {StatusCode::CANCELLED, ""};
    case Errc::tls_failure:
      return {StatusCode::ABORTED, "look into the gateway's log"};
    case Errc::busy:
      return {StatusCode::FAILED_PRECONDITION, ""};
    case Errc::data_corrupt:
      return {StatusCode::DATA_LOSS, ""};
  }
  return {StatusCode::UNKNOWN, ""};
}

bool is_ours(const Error& error)
{
  return error.code.category() == make_error_code(Errc{}).category();
}

}  // namespace

v1::ErrorDetail to_detail(const Error& error, std::string_view remedy)
{
  v1::ErrorDetail detail;
  detail.set_message(printable(error.message()));
  if (is_ours(error)) {
    const auto code = static_cast<Errc>(error.code.value());
    detail.set_reason(static_cast<v1::ErrorReason>(error.code.value()));
    if (remedy.empty()) remedy = meaning_of(code).remedy;
  } else {
    detail.set_system_category(error.code.category().name());
    detail.set_system_code(error.code.value());
  }
  detail.set_remedy(printable(remedy));
  return detail;
}

grpc::Status to_status(const Error& error, std::string_view remedy)
{
  const auto code = is_ours(error) ? meaning_of(static_cast<Errc>(error.code.value())).status
                                   : grpc::StatusCode::INTERNAL;
  return to_status(code, to_detail(error, remedy));
}

grpc::Status to_status(grpc::StatusCode code, const v1::ErrorDetail& detail)
{
  v1::RichStatus rich;
  rich.set_code(static_cast<int>(code));
  rich.set_message(detail.message());
  rich.add_details()->PackFrom(detail);
  return {code, detail.message(), rich.SerializeAsString()};
}

}  // namespace slopn::control
