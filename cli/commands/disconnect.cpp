#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/follow.hpp"
#include "cli/format/spinner.hpp"
#include "cli/format/status_text.hpp"

namespace slopn::cli {
namespace {

struct DisconnectOptions {
  bool wait = true;
  unsigned timeout_seconds = 10;
};

Outcome<ExitCode> print_end(const Console& console, const v1::Status* status)
{
  if (console.json()) {
    console.print(status != nullptr ? to_json(*status) : Json::object());
  } else {
    console.out << (status == nullptr ? "disconnecting"
                    : status->client().disconnected().locked()
                        ? "disconnected; lockdown blocks traffic"
                        : "disconnected")
                << '\n';
  }
  return ExitCode::ok;
}

Outcome<ExitCode> disconnect(const Console& console, const DisconnectOptions& options)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto done = call(link->control(), &v1::Control::Stub::Disconnect, v1::DisconnectRequest{});
  if (!done) return done.error();
  if (!options.wait) return print_end(console, nullptr);

  Spinner spinner{console};
  return follow(*link, std::chrono::seconds{options.timeout_seconds},
                [&](const v1::WatchStatusResponse& change) -> Verdict {
                  if (change.status().client().has_disconnected()) {
                    spinner.clear();
                    return print_end(console, &change.status());
                  }
                  spinner.show(status_line(change.status(), Style{Colour::off},
                                           std::chrono::system_clock::now()));
                  return std::nullopt;
                });
}

}  // namespace

void add_disconnect(Group top)
{
  auto verb = top.verb<DisconnectOptions>("disconnect", "End the connection", disconnect);
  verb.flag("--wait,!--no-wait", verb->wait,
            "Wait until it has ended (default), or return at once");
  verb.number("--timeout", verb->timeout_seconds, "SECONDS", "How long to wait. 0: for ever", 0U,
              86'400U)
      ->capture_default_str();
  verb.explain({.section = "Connecting",
                .examples = {"slopnctl disconnect", "slopnctl disconnect --no-wait"},
                .notes = "Nothing to end is success."});
}

}  // namespace slopn::cli
