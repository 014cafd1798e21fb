#include "daemon/control/error_status.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libtunnel/base/text.hpp"

namespace slopn::control {
namespace {

// What a code says to somebody who programs against gRPC, and what people can do about it.
struct Meaning {
  grpc::StatusCode status;
  v1::ErrorClass kind;
  std::string_view remedy;
};

// A call's details travel in its trailers, of which many clients take no more than 8 KiB.
constexpr std::size_t kLongestMessage = 700;
constexpr std::size_t kLongestRemedy = 300;
constexpr std::size_t kMostViolations = 4;
constexpr std::size_t kLongestField = 100;
constexpr std::size_t kLongestProblem = 200;

Meaning meaning_of(Errc code)
{
  using grpc::StatusCode;
  switch (code) {
    case Errc::timed_out:
      return {StatusCode::DEADLINE_EXCEEDED, v1::ERROR_CLASS_NETWORK,
              "check that the gateway runs and its port is open"};
    case Errc::invalid_packet:
      return {StatusCode::INTERNAL, v1::ERROR_CLASS_PROTOCOL, ""};
    case Errc::peer_closed:
      return {StatusCode::UNAVAILABLE, v1::ERROR_CLASS_NETWORK, "look into the gateway's log"};
    case Errc::auth_rejected:
      return {StatusCode::UNAUTHENTICATED, v1::ERROR_CLASS_AUTHENTICATION,
              "ask for a new invitation, or have the key added"};
    case Errc::platform_denied:
      return {StatusCode::FAILED_PRECONDITION, v1::ERROR_CLASS_SYSTEM,
              "look into slopnd's log (journalctl -u slopnd)"};
    case Errc::invalid_argument:
      return {StatusCode::INVALID_ARGUMENT, v1::ERROR_CLASS_CONFIGURATION, ""};
    case Errc::not_found:
      return {StatusCode::NOT_FOUND, v1::ERROR_CLASS_CONFIGURATION, ""};
    case Errc::already_exists:
      return {StatusCode::ALREADY_EXISTS, v1::ERROR_CLASS_CONFIGURATION, ""};
    case Errc::identity_mismatch:
      return {StatusCode::UNAUTHENTICATED, v1::ERROR_CLASS_AUTHENTICATION,
              "if the gateway's key was changed on purpose, import its new profile; otherwise "
              "somebody stands between"};
    case Errc::protocol_violation:
      return {StatusCode::INTERNAL, v1::ERROR_CLASS_PROTOCOL, ""};
    case Errc::pool_exhausted:
      return {StatusCode::RESOURCE_EXHAUSTED, v1::ERROR_CLASS_CONFIGURATION,
              "give the gateway larger address pools"};
    case Errc::unreachable:
      return {StatusCode::UNAVAILABLE, v1::ERROR_CLASS_NETWORK, "check this machine's network"};
    case Errc::path_too_small:
      return {StatusCode::FAILED_PRECONDITION, v1::ERROR_CLASS_NETWORK, ""};
    case Errc::refused:
      return {StatusCode::FAILED_PRECONDITION, v1::ERROR_CLASS_CONFIGURATION, ""};
    case Errc::cancelled:
      return {StatusCode::CANCELLED, v1::ERROR_CLASS_UNSPECIFIED, ""};
    case Errc::tls_failure:
      return {StatusCode::ABORTED, v1::ERROR_CLASS_PROTOCOL, "look into the gateway's log"};
    case Errc::busy:
      return {StatusCode::FAILED_PRECONDITION, v1::ERROR_CLASS_UNSPECIFIED, ""};
    case Errc::data_corrupt:
      return {StatusCode::DATA_LOSS, v1::ERROR_CLASS_SYSTEM, ""};
  }
  return {StatusCode::UNKNOWN, v1::ERROR_CLASS_INTERNAL, ""};
}

bool is_ours(const Error& error)
{
  return error.code.category() == make_error_code(Errc{}).category();
}

/// At most `longest` bytes.
std::string one_line(std::string_view text, std::size_t longest)
{
  std::string line = printable(text.substr(0, longest));  // may be three times as long now
  const auto is_inside_character = [&](std::size_t at) {
    return (static_cast<unsigned char>(line[at]) & 0xC0U) == 0x80U;
  };
  std::size_t end = std::min(line.size(), longest);
  while (end < line.size() && end > 0 && is_inside_character(end)) --end;
  line.resize(end);
  return line;
}

/// google.rpc.ErrorInfo's reason: the enumerator's name without the part that all have.
std::string reason_name(grpc::StatusCode code, const v1::ErrorDetail& detail)
{
  constexpr std::string_view kPrefix = "ERROR_REASON_";
  if (detail.reason() != v1::ERROR_REASON_UNSPECIFIED)
    return v1::ErrorReason_Name(detail.reason()).substr(kPrefix.size());
  return detail.system_category().empty() ? std::string{code_name(code)} : "SYSTEM";
}

google::rpc::ErrorInfo to_info(grpc::StatusCode code, const v1::ErrorDetail& detail,
                               const ErrorMetadata& more)
{
  google::rpc::ErrorInfo info;
  info.set_reason(reason_name(code, detail));
  info.set_domain("slopn");
  for (const auto& [key, value] : more) (*info.mutable_metadata())[key] = value;
  if (!detail.remedy().empty()) (*info.mutable_metadata())["remedy"] = detail.remedy();
  return info;
}

google::rpc::Status envelope(grpc::StatusCode code, const v1::ErrorDetail& detail,
                             const ErrorMetadata& more)
{
  google::rpc::Status rich;
  rich.set_code(static_cast<int>(code));
  rich.set_message(detail.message());
  rich.add_details()->PackFrom(detail);
  rich.add_details()->PackFrom(to_info(code, detail, more));
  return rich;
}

grpc::Status sealed(const google::rpc::Status& rich)
{
  return {static_cast<grpc::StatusCode>(rich.code()), rich.message(), rich.SerializeAsString()};
}

}  // namespace

std::string_view code_name(grpc::StatusCode code) noexcept
{
  // The numbers are gRPC's and never change.
  constexpr std::array<std::string_view, 17> kNames{
      "OK",
      "CANCELLED",
      "UNKNOWN",
      "INVALID_ARGUMENT",
      "DEADLINE_EXCEEDED",
      "NOT_FOUND",
      "ALREADY_EXISTS",
      "PERMISSION_DENIED",
      "RESOURCE_EXHAUSTED",
      "FAILED_PRECONDITION",
      "ABORTED",
      "OUT_OF_RANGE",
      "UNIMPLEMENTED",
      "INTERNAL",
      "UNAVAILABLE",
      "DATA_LOSS",
      "UNAUTHENTICATED",
  };
  const auto number = static_cast<std::size_t>(code);
  return number < kNames.size() ? kNames[number] : "UNKNOWN";
}

v1::ErrorDetail to_detail(const Error& error, std::string_view remedy)
{
  v1::ErrorDetail detail;
  detail.set_message(one_line(error.message(), kLongestMessage));
  if (is_ours(error)) {
    const auto code = static_cast<Errc>(error.code.value());
    detail.set_reason(static_cast<v1::ErrorReason>(error.code.value()));
    detail.set_class_(meaning_of(code).kind);
    if (remedy.empty()) remedy = meaning_of(code).remedy;
  } else {
    detail.set_system_category(error.code.category().name());
    detail.set_system_code(error.code.value());
    detail.set_class_(v1::ERROR_CLASS_SYSTEM);
  }
  detail.set_remedy(one_line(remedy, kLongestRemedy));
  return detail;
}

grpc::Status to_status(const Error& error, std::string_view remedy)
{
  const auto code = is_ours(error) ? meaning_of(static_cast<Errc>(error.code.value())).status
                                   : grpc::StatusCode::INTERNAL;
  return to_status(code, to_detail(error, remedy));
}

grpc::Status to_status(grpc::StatusCode code, const v1::ErrorDetail& detail,
                       const ErrorMetadata& more)
{
  return sealed(envelope(code, detail, more));
}

grpc::Status bad_request(const std::vector<FieldProblem>& problems, std::string_view remedy)
{
  v1::ErrorDetail detail;
  detail.set_reason(v1::ERROR_REASON_INVALID_ARGUMENT);
  detail.set_class_(v1::ERROR_CLASS_CONFIGURATION);
  detail.set_remedy(one_line(remedy, kLongestRemedy));
  google::rpc::BadRequest request;
  for (const auto& problem : problems) {
    if (request.field_violations_size() == kMostViolations) break;
    auto& violation = *request.add_field_violations();
    violation.set_field(one_line(problem.field, kLongestField));
    violation.set_description(one_line(problem.problem, kLongestProblem));
  }
  if (!problems.empty()) {
    const auto& first = request.field_violations(0);
    detail.set_field(first.field());
    detail.set_message(first.field() + ": " + first.description());
  }
  auto rich = envelope(grpc::StatusCode::INVALID_ARGUMENT, detail, {});
  rich.add_details()->PackFrom(request);
  return sealed(rich);
}

grpc::Status to_status_for(std::string_view field, const Error& error, std::string_view remedy)
{
  if (error.code != Errc::invalid_argument) return to_status(error, remedy);
  v1::ErrorDetail detail = to_detail(error, remedy);
  detail.set_field(one_line(field, kLongestField));
  google::rpc::BadRequest request;
  auto& violation = *request.add_field_violations();
  violation.set_field(detail.field());
  violation.set_description(one_line(error.message(), kLongestProblem));
  auto rich = envelope(grpc::StatusCode::INVALID_ARGUMENT, detail, {});
  rich.add_details()->PackFrom(request);
  return sealed(rich);
}

}  // namespace slopn::control
