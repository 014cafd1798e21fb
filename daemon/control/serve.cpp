#include "daemon/control/serve.hpp"

#include "libtunnel/base/clock.hpp"

namespace slopn::control {

std::optional<grpc::Status> why_denied(const Backend& backend, const CallInfo& call)
{
  const Method* const method = find_method(call.method);
  if (method == nullptr || call.request == nullptr) {
    backend.log->error("control: call={} is not described", call.method);
    return grpc::Status{grpc::StatusCode::INTERNAL, "slopnd met a bug; see its log"};
  }
  return why_denied(call.user, *method, *call.request, backend.grants_version);
}

void write_audit(Backend& backend, const CallInfo& call, const daemon::Caller& caller,
                 const grpc::Status& status)
{
  const Method* const method = find_method(call.method);
  if (method == nullptr || call.request == nullptr ||
      role_needed(*method, *call.request) < daemon::Role::operate) {
    return;
  }
  const AuditEntry entry{.uid = caller.uid,
                         .pid = caller.pid,
                         .method = std::string{call.method},
                         .argument = argument_of(*method, *call.request),
                         .result = std::string{code_name(status.error_code())}};
  if (status.error_code() == grpc::StatusCode::PERMISSION_DENIED) {
    backend.audit.write_refused(entry, Clock::now());
  } else {
    backend.audit.write(entry);
  }
}

}  // namespace slopn::control
