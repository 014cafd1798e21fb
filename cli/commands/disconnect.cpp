#include <memory>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/follow.hpp"
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
    console.out << (status != nullptr ? "disconnected" : "disconnecting") << '\n';
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

  return follow(*link, std::chrono::seconds{options.timeout_seconds},
                [&](const v1::WatchStatusResponse& change) -> Verdict {
                  if (change.status().client().has_disconnected()) {
                    return print_end(console, &change.status());
                  }
                  console.progress(status_line(change.status(), console.err_style,
                                               std::chrono::system_clock::now()));
                  return std::nullopt;
                });
}

}  // namespace

void add_disconnect(CLI::App& parent, Run& chosen)
{
  auto* command = parent.add_subcommand("disconnect", "End the connection");
  const auto options = std::make_shared<DisconnectOptions>();
  command->add_flag("--wait,!--no-wait", options->wait,
                    "Wait until it has ended (default), or return at once");
  command->add_option("--timeout", options->timeout_seconds, "How long to wait. 0: for ever")
      ->type_name("SECONDS")
      ->check(CLI::Range(0U, 86'400U))
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  slopnctl disconnect\n"
      "  slopnctl disconnect --no-wait\n"
      "Nothing to end is success.");
  command->callback([&chosen, options] {
    chosen = [options](const Console& console) { return disconnect(console, *options); };
  });
}

}  // namespace slopn::cli
