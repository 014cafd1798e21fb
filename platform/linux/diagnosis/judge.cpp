#include "platform/linux/diagnosis/judge.hpp"

#include <array>
#include <utility>

namespace slopn::platform {
namespace {

struct Entry {
  DiagnosisCheck check;
  Check judge;
};

constexpr std::array kEntries{
    Entry{{"rights", "May slopn administer the network?"}, judge_rights},
    Entry{{"tun", "Can tunnel interfaces be made?"}, judge_tun},
    Entry{{"policy_routing", "Does the kernel know policy rules?"}, judge_policy_routing},
    Entry{{"nftables", "Does the kernel's packet filter answer?"}, judge_nftables},
    Entry{{"tun_offload", "Do packets cross the interface many at a time?"}, judge_tun_offload},
    Entry{{"udp_offload", "Do packets leave and arrive many at a time?"}, judge_udp_offload},
    Entry{{"buffers", "May UDP sockets have buffers as long as configured?"}, judge_buffers},
    Entry{{"default_route", "Is there a way out of this host?"}, judge_default_route},
    Entry{{"mtu", "Are packets on the way to the gateway long enough?"}, judge_mtu},
    Entry{{"other_vpn", "Does another VPN run here?"}, judge_other_vpn},
    Entry{{"rules", "Does somebody's routing rule come before ours?"}, judge_rules},
    Entry{{"mark", "Does somebody else use our packet mark?"}, judge_mark},
    Entry{{"table", "Does somebody else use our routing table?"}, judge_table},
    Entry{{"rp_filter", "Does the kernel let the gateway's answers in?"}, judge_rp_filter},
    Entry{{"ipv6", "Does this host speak IPv6?"}, judge_ipv6},
    Entry{{"dns", "Who decides which name servers are asked?"}, judge_dns},
    Entry{{"clock", "Is the time right?"}, judge_clock},
    Entry{{"files", "Are keys out of others' reach?"}, judge_files},
};

constexpr auto kChecks = [] {
  std::array<DiagnosisCheck, kEntries.size()> checks{};
  for (std::size_t i = 0; i < kEntries.size(); ++i) checks[i] = kEntries[i].check;
  return checks;
}();

}  // namespace

void Findings::good(std::string_view check, std::string summary, std::string detail)
{
  list_.push_back({std::string{check}, Verdict::good, std::move(summary), std::move(detail), {}});
}

void Findings::notice(std::string_view check, std::string summary, std::string detail,
                      std::string fix)
{
  list_.push_back(
      {std::string{check}, Verdict::notice, std::move(summary), std::move(detail), std::move(fix)});
}

void Findings::problem(std::string_view check, std::string summary, std::string detail,
                       std::string fix)
{
  list_.push_back({std::string{check}, Verdict::problem, std::move(summary), std::move(detail),
                   std::move(fix)});
}

void Findings::unknown(std::string_view check, std::string summary, std::string fix)
{
  list_.push_back({std::string{check}, Verdict::unknown, std::move(summary), {}, std::move(fix)});
}

std::span<const DiagnosisCheck> all_checks() noexcept
{
  return kChecks;
}

std::string_view to_string(Verdict verdict) noexcept
{
  switch (verdict) {
    case Verdict::good:
      return "good";
    case Verdict::notice:
      return "notice";
    case Verdict::problem:
      return "problem";
    case Verdict::unknown:
      return "unknown";
  }
  return "unknown";
}

std::vector<Finding> judge_host(const DiagnosisSubject& subject, const HostFacts& facts)
{
  Findings findings;
  for (const Entry& entry : kEntries) entry.judge(subject, facts, findings);
  return findings.take();
}

std::vector<Finding> diagnose(const DiagnosisSubject& subject)
{
  return judge_host(subject, gather_host_facts(subject));
}

}  // namespace slopn::platform
