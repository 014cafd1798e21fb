#include <algorithm>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/daemon_link.hpp"
#include "cli/doctor/diagnosis.hpp"
#include "cli/doctor/local_checks.hpp"
#include "cli/format/spinner.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

std::string badge(v1::Finding::Verdict verdict, const Style& style)
{
  switch (verdict) {
    case v1::Finding::VERDICT_GOOD:
      return style.good("ok     ");
    case v1::Finding::VERDICT_NOTICE:
      return style.warn("notice ");
    case v1::Finding::VERDICT_PROBLEM:
      return style.bad("PROBLEM");
    default:
      return style.faint("unknown");
  }
}

void print_finding(const Console& console, const v1::Finding& finding)
{
  const Style& style = console.out_style;
  constexpr const char* kIndent = "           ";
  console.out << badge(finding.verdict(), style) << "    " << printable(finding.check()) << ": "
              << printable(finding.summary()) << '\n';
  if (!finding.detail().empty()) {
    console.out << kIndent << style.faint(printable(finding.detail())) << '\n';
  }
  if (!finding.fix().empty()) {
    console.out << kIndent << "fix: " << style.strong(printable(finding.fix())) << '\n';
  }
}

Outcome<ExitCode> doctor(const Console& console, const NoOptions&)
{
  Spinner spinner{console};
  spinner.show("looking at this host");
  const Diagnosis diagnosis = diagnose(console);
  spinner.clear();
  if (console.json()) {
    Json findings = Json::array();
    for (const auto& finding : diagnosis.findings) findings.push_back(to_json(finding));
    console.print(Json{{"findings", findings}, {"problems", diagnosis.problems()}});
    return diagnosis.exit_code();
  }
  for (const auto& finding : diagnosis.findings) print_finding(console, finding);
  const auto problems = diagnosis.problems();
  console.out << (problems == 0   ? "no problems found"
                  : problems == 1 ? "1 problem found"
                                  : std::to_string(problems) + " problems found")
              << '\n';
  return diagnosis.exit_code();
}

}  // namespace

void add_doctor(Group top)
{
  auto verb = top.verb<NoOptions>(
      "doctor", "Look for what keeps slopn from working well on this host", doctor);
  verb.explain({.section = "Help",
                .examples = {"slopnctl doctor",
                             "slopnctl doctor --json | jq '.findings[] | select(.verdict == "
                             "\"problem\")'"},
                .notes = "Each finding that is not ok says what to do about it.",
                .exits = "0 no problem found, 1 problems, 3 slopnd unreachable (what could be "
                         "looked at\nwithout it is shown), 4 not permitted"});
}

}  // namespace slopn::cli
