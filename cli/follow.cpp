#include "cli/follow.hpp"

namespace slopn::cli {

Outcome<ExitCode> follow(DaemonLink& link, std::chrono::seconds timeout,
                         const std::function<Verdict(const v1::WatchStatusResponse&)>& judge)
{
  grpc::ClientContext context;
  if (timeout.count() > 0) context.set_deadline(std::chrono::system_clock::now() + timeout);
  const auto reader = link.control().WatchStatus(&context, {});
  v1::WatchStatusResponse change;
  while (reader->Read(&change)) {
    if (auto verdict = judge(change)) {
      context.TryCancel();
      (void)reader->Finish();
      return *std::move(verdict);
    }
  }
  const grpc::Status status = reader->Finish();
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return Failure{ExitCode::timed_out, "timed_out",
                   "not done after " + std::to_string(timeout.count()) + " s", ""};
  }
  if (status.ok()) {
    return Failure{ExitCode::daemon_unreachable, "daemon_unreachable",
                   "slopnd ended the stream of changes", "look into its log: journalctl -u slopnd"};
  }
  return to_failure(status);
}

}  // namespace slopn::cli
