#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/follow.hpp"
#include "cli/format/status_text.hpp"
#include "cli/format/values.hpp"

namespace slopn::cli {
namespace {

struct StatusOptions {
  bool watch = false;
  bool check = false;
};

using SystemClock = std::chrono::system_clock;

/// For probes. A gateway that answers is up; a client has to be connected.
ExitCode check(const v1::Status& status)
{
  if (status.has_gateway()) return ExitCode::ok;
  switch (status.client().state_case()) {
    case v1::ClientStatus::kConnected:
      return ExitCode::ok;
    case v1::ClientStatus::kConnecting:
    case v1::ClientStatus::kReconnecting:
    case v1::ClientStatus::kDisconnecting:
      return ExitCode::under_way;
    case v1::ClientStatus::kFailed:
      return ExitCode::given_up;
    case v1::ClientStatus::kDisconnected:
      return ExitCode::not_connected;
    case v1::ClientStatus::STATE_NOT_SET:
      break;
  }
  return ExitCode::failed;
}

Outcome<ExitCode> show(const Console& console, DaemonLink& link)
{
  const auto response = call(link.control(), &v1::Control::Stub::GetStatus, v1::GetStatusRequest{});
  if (!response) return response.error();
  const v1::Status& status = response->status();
  if (console.json()) {
    console.print(to_json(status));
  } else {
    console.out << status_text(status, console.out_style, SystemClock::now());
  }
  return ExitCode::ok;
}

Outcome<ExitCode> watch(const Console& console, DaemonLink& link)
{
  return follow(
      link, std::chrono::seconds{0}, [&](const v1::WatchStatusResponse& change) -> Verdict {
        if (console.json()) {
          console.print_line(to_json(change));
        } else {
          const auto now = SystemClock::now();
          if (change.missed() > 0) {
            console.out << console.out_style.faint("... " + human_count(change.missed()) +
                                                   " changes were too quick to show")
                        << '\n';
          }
          console.out << console.out_style.faint(local_time(now)) << "  "
                      << status_line(change.status(), console.out_style, now) << std::endl;
        }
        if (!console.out.good()) return ExitCode::failed;  // nobody reads it any more
        return std::nullopt;
      });
}

/// Nothing is printed, whatever happens: probes read the exit code.
Outcome<ExitCode> probe(const Console& console)
{
  const auto silent = [](Failure failure) {
    failure.silent = true;
    return failure;
  };
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return silent(link.error());
  const auto response =
      call(link->control(), &v1::Control::Stub::GetStatus, v1::GetStatusRequest{});
  if (!response) return silent(response.error());
  return check(response->status());
}

Outcome<ExitCode> status(const Console& console, const StatusOptions& options)
{
  if (options.check) return probe(console);
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  return options.watch ? watch(console, *link) : show(console, *link);
}

}  // namespace

void add_status(Group top)
{
  auto verb = top.verb<StatusOptions>("status", "Show what slopnd is doing", status);
  auto* watch_flag = verb.flag("-w,--watch", verb->watch, "Show every change until interrupted");
  verb.flag("--check", verb->check, "Print nothing; the exit code tells: for probes")
      ->excludes(watch_flag);
  verb.explain(
      {.section = "Connecting",
       .examples = {"slopnctl status", "slopnctl status --json | jq -r .state",
                    "slopnctl status --watch", "slopnctl status --check || echo not connected"},
       .exits = "0 shown, whatever it shows. With --check: 0 connected, or a gateway that "
                "runs;\n5 disconnected, 8 connecting, reconnecting or disconnecting, 9 "
                "failed, 3 slopnd unreachable,\n4 not permitted, 7 no answer in time"});
}

}  // namespace slopn::cli
