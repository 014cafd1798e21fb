#include "daemon/control/serve.hpp"

#include <stdexcept>

#include "libtunnel/base/clock.hpp"

namespace slopn::control {

std::optional<grpc::Status> why_denied(Backend& backend, const CallInfo& call)
{
  const Method* const method = find_method(call.method);
  if (method == nullptr || call.request == nullptr) {
    return bug_status(backend, call, std::logic_error{"not described in methods.cpp"});
  }
  return why_denied({call.user, *method, *call.request}, backend.grants_version,
                    backend.user_names);
}

grpc::Status bug_status(Backend& backend, const CallInfo& call, const std::exception& bug)
{
  backend.log->error("control: call={} threw: {}", call.method, bug.what());
  v1::ErrorDetail detail;
  detail.set_message("slopnd met a bug");
  detail.set_remedy("look into slopnd's log (journalctl -u slopnd), and report it");
  detail.set_class_(v1::ERROR_CLASS_INTERNAL);
  return to_status(grpc::StatusCode::INTERNAL, detail);
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
