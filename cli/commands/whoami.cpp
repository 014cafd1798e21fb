#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/daemon_link.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

const char* meaning_of(v1::Role role)
{
  switch (role) {
    case v1::ROLE_READ:
      return "may see the status, events, profiles and settings";
    case v1::ROLE_OPERATE:
      return "may also connect and disconnect, read the log and end sessions";
    case v1::ROLE_ADMIN:
      return "may do everything";
    default:
      return "may do nothing; the configuration of slopnd grants roles (control.grants)";
  }
}

Outcome<ExitCode> whoami(const Console& console, const NoOptions&)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto caller = call(link->control(), &v1::Control::Stub::GetCaller, v1::GetCallerRequest{});
  if (!caller) return caller.error();
  if (console.json()) {
    console.print(to_json(*caller));
    return ExitCode::ok;
  }
  if (!caller->user().empty()) console.out << printable(caller->user()) << ' ';
  console.out << "(uid " << caller->uid()
              << "): " << console.out_style.strong(role_name(caller->role())) << ", "
              << meaning_of(caller->role()) << '\n';
  return ExitCode::ok;
}

}  // namespace

void add_whoami(Group top)
{
  auto verb =
      top.verb<NoOptions>("whoami", "Show who slopnd takes you for, and what you may do", whoami);
  verb.explain(
      {.section = "Help", .examples = {"slopnctl whoami", "slopnctl whoami --json | jq -r .role"}});
}

}  // namespace slopn::cli
