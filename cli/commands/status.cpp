#include "cli/format/status_text.hpp"

#include <memory>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/follow.hpp"
#include "cli/format/values.hpp"

namespace slopn::cli {
namespace {

struct StatusOptions {
  bool watch = false;
  bool check = false;
};

using SystemClock = std::chrono::system_clock;

/// A gateway that answers is up; a client has to be connected.
bool is_up(const v1::Status& status)
{
  return status.has_gateway() || status.client().has_connected();
}

Outcome<ExitCode> show(const Console& console, DaemonLink& link, const StatusOptions& options)
{
  const auto response = call(link.control(), &v1::Control::Stub::GetStatus, v1::GetStatusRequest{});
  if (!response) return response.error();
  const v1::Status& status = response->status();
  if (console.json()) {
    console.print(to_json(status));
  } else {
    console.out << status_text(status, console.out_style, SystemClock::now());
  }
  return options.check && !is_up(status) ? ExitCode::not_connected : ExitCode::ok;
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

}  // namespace

void add_status(CLI::App& parent, Run& chosen)
{
  auto* command = parent.add_subcommand("status", "Show what slopnd is doing");
  const auto options = std::make_shared<StatusOptions>();
  auto* watch_flag =
      command->add_flag("-w,--watch", options->watch, "Show every change until interrupted");
  command->add_flag("--check", options->check, "Exit with 5 unless connected: for probes")
      ->excludes(watch_flag);
  command->footer(
      "Examples:\n"
      "  slopnctl status\n"
      "  slopnctl status --json | jq -r .state\n"
      "  slopnctl status --watch\n"
      "  slopnctl status --check > /dev/null || echo not connected");
  command->callback([&chosen, options] {
    chosen = [options](const Console& console) -> Outcome<ExitCode> {
      auto link = DaemonLink::open(console.socket_path);
      if (!link) return link.error();
      return options->watch ? watch(console, *link) : show(console, *link, *options);
    };
  });
}

}  // namespace slopn::cli
