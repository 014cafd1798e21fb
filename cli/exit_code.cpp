#include "cli/exit_code.hpp"

#include <stdexcept>

#include "google/rpc/status.pb.h"

namespace slopn::cli {
namespace {

struct ReasonRow {
  std::string_view name;
  ExitCode exit;
};

ReasonRow row_of(Errc code)
{
  switch (code) {
    case Errc::timed_out:
      return {"timed_out", ExitCode::timed_out};
    case Errc::invalid_packet:
      return {"invalid_packet", ExitCode::failed};
    case Errc::peer_closed:
      return {"peer_closed", ExitCode::failed};
    case Errc::auth_rejected:
      return {"auth_rejected", ExitCode::auth_refused};
    case Errc::platform_denied:
      return {"platform_denied", ExitCode::failed};
    case Errc::invalid_argument:
      return {"invalid_argument", ExitCode::failed};
    case Errc::not_found:
      return {"not_found", ExitCode::failed};
    case Errc::already_exists:
      return {"already_exists", ExitCode::failed};
    case Errc::identity_mismatch:
      return {"identity_mismatch", ExitCode::auth_refused};
    case Errc::protocol_violation:
      return {"protocol_violation", ExitCode::failed};
    case Errc::pool_exhausted:
      return {"pool_exhausted", ExitCode::failed};
    case Errc::unreachable:
      return {"unreachable", ExitCode::failed};
    case Errc::path_too_small:
      return {"path_too_small", ExitCode::failed};
    case Errc::refused:
      return {"refused", ExitCode::failed};
    case Errc::cancelled:
      return {"cancelled", ExitCode::failed};
    case Errc::tls_failure:
      return {"tls_failure", ExitCode::failed};
    case Errc::busy:
      return {"busy", ExitCode::failed};
    case Errc::data_corrupt:
      return {"data_corrupt", ExitCode::failed};
  }
  return {"unknown", ExitCode::failed};
}

ReasonRow row_of(v1::ErrorReason reason)
{
  if (reason == v1::ERROR_REASON_UNSPECIFIED) return {"system", ExitCode::failed};
  return row_of(static_cast<Errc>(reason));
}

bool read_detail(const grpc::Status& status, v1::ErrorDetail& detail)
{
  google::rpc::Status rich;
  if (!rich.ParseFromString(status.error_details())) return false;
  for (const auto& any : rich.details()) {
    if (any.UnpackTo(&detail)) return true;
  }
  return false;
}

/// What gRPC itself says, when nobody in slopnd had a word in it.
Failure transport_failure(const grpc::Status& status)
{
  // Its words for an answer that is no HTTP/2. Whether they arrive before the hang-up is a race.
  if (status.error_message().find("http1.x") != std::string::npos) {
    return {ExitCode::daemon_unreachable, "daemon_unreachable",
            "what answers there is not slopnd: " + status.error_message(), ""};
  }
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return {ExitCode::daemon_unreachable, "daemon_unreachable",
              "slopnd closed the connection: " + status.error_message(),
              "look into its log: journalctl -u slopnd"};
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return {ExitCode::timed_out, "timed_out", "slopnd did not answer in time",
              "look into its log: journalctl -u slopnd"};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {ExitCode::failed, "unimplemented", "this slopnd does not know that command",
              "compare the versions: slopnctl version"};
    default:
      return {ExitCode::failed, "internal", "slopnd: " + status.error_message(), ""};
  }
}

}  // namespace

void throw_exception_from_error(const Failure& failure, const boost::source_location&)
{
  throw std::logic_error("unchecked outcome: " + failure.message);
}

std::span<const ExitMeaning> exit_meanings() noexcept
{
  static constexpr ExitMeaning kMeanings[]{
      ExitMeaning{ExitCode::ok, "ok", "Done; for connect: connected."},
      ExitMeaning{ExitCode::failed, "failed", "Everything that has no code of its own."},
      ExitMeaning{ExitCode::usage, "usage", "The command line makes no sense."},
      ExitMeaning{ExitCode::daemon_unreachable, "daemon unreachable",
                  "No slopnd answers on the socket, it went away, or what answers runs neither as "
                  "root nor as you."},
      ExitMeaning{ExitCode::not_permitted, "not permitted",
                  "slopnd, or the mode of its socket, refuses this user."},
      ExitMeaning{ExitCode::not_connected, "not connected",
                  "status --check: disconnected; speedtest and ping: there is no tunnel."},
      ExitMeaning{ExitCode::auth_refused, "authentication refused",
                  "The gateway does not accept this client, or the client does not accept the "
                  "gateway's certificate."},
      ExitMeaning{ExitCode::timed_out, "timed out",
                  "Not done within --timeout, or no answer where one was due."},
      ExitMeaning{ExitCode::under_way, "under way",
                  "status --check: connecting, reconnecting or disconnecting."},
      ExitMeaning{ExitCode::given_up, "given up",
                  "status --check: failed, and somebody must do something."},
  };
  return kMeanings;
}

std::string reason_name(v1::ErrorReason reason)
{
  return std::string{row_of(reason).name};
}

std::string class_name(v1::ErrorClass error_class)
{
  switch (error_class) {
    case v1::ERROR_CLASS_UNSPECIFIED:
      return {};
    case v1::ERROR_CLASS_NETWORK:
      return "network";
    case v1::ERROR_CLASS_AUTHENTICATION:
      return "authentication";
    case v1::ERROR_CLASS_CONFIGURATION:
      return "configuration";
    case v1::ERROR_CLASS_SYSTEM:
      return "system";
    case v1::ERROR_CLASS_PROTOCOL:
      return "protocol";
    case v1::ERROR_CLASS_INTERNAL:
      return "internal";
    default:  // protobuf's enums are open
      return "unknown";
  }
}

ExitCode exit_code_of(v1::ErrorReason reason)
{
  return row_of(reason).exit;
}

Failure to_failure(const v1::ErrorDetail& detail)
{
  return {.exit = exit_code_of(detail.reason()),
          .reason = reason_name(detail.reason()),
          .message = detail.message(),
          .remedy = detail.remedy(),
          .error_class = class_name(detail.class_()),
          .field = detail.field()};
}

Failure to_failure(const grpc::Status& status)
{
  v1::ErrorDetail detail;
  const bool detailed = read_detail(status, detail);
  Failure failure = detailed ? to_failure(detail) : transport_failure(status);
  if (status.error_code() == grpc::StatusCode::PERMISSION_DENIED) {
    failure.exit = ExitCode::not_permitted;
    failure.reason = "not_permitted";
  } else if (detailed && detail.reason() == v1::ERROR_REASON_UNSPECIFIED &&
             status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    failure.exit = ExitCode::daemon_unreachable;
    failure.reason = "daemon_unreachable";
  }
  return failure;
}

Failure to_failure(const Error& error)
{
  const bool ours = error.code.category() == make_error_code(Errc{}).category();
  const auto row =
      ours ? row_of(static_cast<Errc>(error.code.value())) : ReasonRow{"system", ExitCode::failed};
  return {row.exit, std::string{row.name}, error.message(), ""};
}

}  // namespace slopn::cli
