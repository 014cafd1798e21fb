#include "cli/doctor/diagnosis.hpp"

#include <algorithm>

#include "cli/daemon_link.hpp"
#include "cli/doctor/local_checks.hpp"

namespace slopn::cli {
namespace {

Outcome<v1::DiagnoseResponse> ask_daemon(const Console& console)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  return call(link->control(), &v1::Control::Stub::Diagnose, v1::DiagnoseRequest{});
}

}  // namespace

std::size_t Diagnosis::problems() const
{
  return static_cast<std::size_t>(std::count_if(
      findings.begin(), findings.end(),
      [](const v1::Finding& one) { return one.verdict() == v1::Finding::VERDICT_PROBLEM; }));
}

ExitCode Diagnosis::exit_code() const
{
  if (asked != ExitCode::ok) return asked;
  return problems() == 0 ? ExitCode::ok : ExitCode::failed;
}

Diagnosis diagnose(const Console& console)
{
  const auto response = ask_daemon(console);
  if (response) return {{response->findings().begin(), response->findings().end()}, ExitCode::ok};
  Diagnosis diagnosis{{unreachable_finding(response.error())}, response.error().exit};
  const auto local = local_findings(console);
  diagnosis.findings.insert(diagnosis.findings.end(), local.begin(), local.end());
  return diagnosis;
}

}  // namespace slopn::cli
