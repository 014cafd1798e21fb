#pragma once

#include <vector>

#include "platform/linux/diagnosis/facts.hpp"

namespace slopn::platform {

/// What the facts mean for slopn. Pure: the same facts, the same findings.
[[nodiscard]] std::vector<Finding> judge_host(const DiagnosisSubject& subject,
                                              const HostFacts& facts);

/// Collects findings; the checks in judge_kernel.cpp and judge_network.cpp add theirs.
class Findings {
 public:
  void good(std::string_view check, std::string summary, std::string detail = {});
  void notice(std::string_view check, std::string summary, std::string detail, std::string fix);
  void problem(std::string_view check, std::string summary, std::string detail, std::string fix);
  void unknown(std::string_view check, std::string summary, std::string fix);

  [[nodiscard]] std::vector<Finding> take() { return std::move(list_); }

 private:
  std::vector<Finding> list_;
};

using Check = void (*)(const DiagnosisSubject&, const HostFacts&, Findings&);

// Rights, kernel and files: judge_kernel.cpp.
void judge_rights(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_tun(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_tun_offload(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_udp_offload(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_nftables(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_buffers(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_clock(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_files(const DiagnosisSubject&, const HostFacts&, Findings&);

// Links, routing and names: judge_network.cpp.
void judge_policy_routing(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_default_route(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_other_vpn(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_rules(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_mark(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_table(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_rp_filter(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_ipv6(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_dns(const DiagnosisSubject&, const HostFacts&, Findings&);
void judge_mtu(const DiagnosisSubject&, const HostFacts&, Findings&);

}  // namespace slopn::platform
