#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/daemon_link.hpp"
#include "cli/format/table.hpp"
#include "libtunnel/base/build_info.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

Outcome<v1::GetVersionResponse> ask_daemon(const Console& console)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  return call(link->control(), &v1::Control::Stub::GetVersion, v1::GetVersionRequest{});
}

/// An absent daemon is an answer here, not a failure: `version` is asked when things do not work.
Outcome<ExitCode> version(const Console& console, const NoOptions&)
{
  const auto daemon = ask_daemon(console);
  const BuildInfo& ours = build_info();
  if (console.json()) {
    console.print(Json{{"client", {{"version", ours.version}, {"commit", ours.commit}}},
                       {"daemon", daemon ? to_json(*daemon) : Json(nullptr)}});
    return ExitCode::ok;
  }
  console.out << "slopnctl " << ours.version;
  if (!ours.commit.empty()) console.out << " (" << ours.commit << ')';
  console.out << '\n';
  if (!daemon) {
    console.out << "slopnd   " << console.out_style.faint(printable(daemon.error().message))
                << '\n';
    return ExitCode::ok;
  }
  console.out << "slopnd   " << printable(daemon->version()) << '\n';
  std::vector<std::pair<std::string_view, std::string>> libraries;
  for (const auto& library : daemon->libraries()) {
    libraries.emplace_back(library.name(), library.version());
  }
  console.out << details(libraries, console.out_style);
  return ExitCode::ok;
}

}  // namespace

void add_version(Group top)
{
  auto verb = top.verb<NoOptions>("version", "Show the versions of slopnctl and slopnd", version);
  verb.explain({.section = "Help",
                .examples = {"slopnctl version", "slopnctl version --json"},
                .notes = "Ends with 0 also when no slopnd runs."});
}

}  // namespace slopn::cli
