#include "daemon/control/serve.hpp"

namespace slopn::control {
namespace {

v1::Finding::Verdict to_message(platform::Verdict verdict)
{
  switch (verdict) {
    case platform::Verdict::good:
      return v1::Finding::VERDICT_GOOD;
    case platform::Verdict::notice:
      return v1::Finding::VERDICT_NOTICE;
    case platform::Verdict::problem:
      return v1::Finding::VERDICT_PROBLEM;
    case platform::Verdict::unknown:
      return v1::Finding::VERDICT_UNKNOWN;
  }
  return v1::Finding::VERDICT_UNSPECIFIED;
}

v1::Finding to_message(const platform::Finding& finding)
{
  v1::Finding message;
  message.set_check(finding.check);
  message.set_verdict(to_message(finding.verdict));
  message.set_summary(finding.summary);
  message.set_detail(finding.detail);
  message.set_fix(finding.fix);
  return message;
}

}  // namespace

grpc::ServerUnaryReactor* ControlService::Diagnose(Context* context,
                                                   const v1::DiagnoseRequest* request,
                                                   v1::DiagnoseResponse* response)
{
  return serve_later(
      backend_, *context, {.method = "Diagnose", .request = request, .user = user_},
      [response](daemon::Commands& commands, const daemon::Caller&, const LaterAnswer& answer) {
        commands.diagnose([response, answer](const std::vector<platform::Finding>& findings) {
          answer([&] {
            for (const platform::Finding& finding : findings)
              *response->add_findings() = to_message(finding);
            return grpc::Status::OK;
          });
        });
      });
}

}  // namespace slopn::control
