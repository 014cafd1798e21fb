#include "cli/streams.hpp"

namespace slopn::cli {
namespace {

// For streams that end by themselves. Not all events up to the latest may be for this caller, so
// its number may never come.
constexpr std::chrono::seconds kPresentTimeout{2};

Failure ended_by_daemon()
{
  return {ExitCode::daemon_unreachable, "daemon_unreachable", "slopnd ended the stream",
          "look into its log: journalctl -u slopnd"};
}

}  // namespace

Outcome<ExitCode> read_events(DaemonLink& link, const v1::WatchEventsRequest& request, Until until,
                              const std::function<bool(const v1::WatchEventsResponse&)>& take)
{
  grpc::ClientContext context;
  const bool to_present = until == Until::present;
  if (to_present) context.set_deadline(std::chrono::system_clock::now() + kPresentTimeout);
  const auto reader = link.control().WatchEvents(&context, request);
  v1::WatchEventsResponse item;
  bool began = false;
  std::uint64_t latest = 0;
  while (reader->Read(&item)) {
    if (!std::exchange(began, true)) latest = item.latest_sequence();
    const bool wants_more = take(item);
    const bool at_present = to_present && item.event().sequence() >= latest;
    if (!wants_more || at_present) {
      context.TryCancel();
      (void)reader->Finish();
      return wants_more ? ExitCode::ok : ExitCode::failed;
    }
  }
  const grpc::Status status = reader->Finish();
  const bool timed_out = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
  if (to_present && began && (status.ok() || timed_out)) return ExitCode::ok;
  if (status.ok()) return ended_by_daemon();
  return to_failure(status);
}

Outcome<ExitCode> read_logs(DaemonLink& link, const v1::WatchLogsRequest& request,
                            const std::function<bool(const v1::WatchLogsResponse&)>& take)
{
  grpc::ClientContext context;
  if (!request.follow()) context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  const auto reader = link.control().WatchLogs(&context, request);
  v1::WatchLogsResponse line;
  while (reader->Read(&line)) {
    if (take(line)) continue;
    context.TryCancel();
    (void)reader->Finish();
    return ExitCode::failed;
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return to_failure(status);
  if (request.follow()) return ended_by_daemon();
  return ExitCode::ok;
}

}  // namespace slopn::cli
