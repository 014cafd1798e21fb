#include "cli/doctor/local_checks.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "platform/diagnosis.hpp"

namespace slopn::cli {
namespace {

v1::Finding finding(std::string check, v1::Finding::Verdict verdict, std::string summary,
                    std::string fix = {}, std::string detail = {})
{
  v1::Finding out;
  out.set_check(std::move(check));
  out.set_verdict(verdict);
  out.set_summary(std::move(summary));
  out.set_fix(std::move(fix));
  out.set_detail(std::move(detail));
  return out;
}

v1::Finding socket_finding(const std::filesystem::path& path)
{
  struct stat info {};
  if (::lstat(path.c_str(), &info) < 0) {
    const int error = errno;
    return finding("socket", v1::Finding::VERDICT_PROBLEM, "there is no control socket",
                   "systemctl start slopnd", path.string() + ": " + std::strerror(error));
  }
  if (!S_ISSOCK(info.st_mode)) {
    return finding("socket", v1::Finding::VERDICT_PROBLEM,
                   "something else is in the place of the control socket",
                   "remove " + path.string() + ", then: systemctl restart slopnd");
  }
  if (::access(path.c_str(), W_OK) < 0) {
    return finding("socket", v1::Finding::VERDICT_PROBLEM,
                   "the control socket does not let this user in",
                   "usermod -aG slopn NAME, then log in again; or run as root",
                   path.string() + ", uid " + std::to_string(::geteuid()));
  }
  return finding("socket", v1::Finding::VERDICT_GOOD, "the control socket is there", {},
                 path.string());
}

v1::Finding::Verdict to_message(platform::Verdict verdict)
{
  switch (verdict) {
    case platform::Verdict::good:
      return v1::Finding::VERDICT_GOOD;
    case platform::Verdict::notice:
      return v1::Finding::VERDICT_NOTICE;
    case platform::Verdict::problem:
      return v1::Finding::VERDICT_PROBLEM;
    case platform::Verdict::unknown:
      return v1::Finding::VERDICT_UNKNOWN;
  }
  return v1::Finding::VERDICT_UNSPECIFIED;
}

}  // namespace

std::vector<v1::Finding> local_findings(const Console& console)
{
  std::vector<v1::Finding> findings{socket_finding(console.socket_path)};
  platform::DiagnosisSubject subject;
  subject.viewpoint = platform::DiagnosisSubject::Viewpoint::outsider;
  for (const platform::Finding& found : platform::diagnose(subject))
    findings.push_back(
        finding(found.check, to_message(found.verdict), found.summary, found.fix, found.detail));
  return findings;
}

v1::Finding unreachable_finding(const Failure& failure)
{
  return finding("daemon", v1::Finding::VERDICT_PROBLEM, failure.message, failure.remedy);
}

}  // namespace slopn::cli
