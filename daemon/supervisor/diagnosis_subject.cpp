#include "daemon/supervisor/diagnosis_subject.hpp"

#include <algorithm>

namespace slopn::daemon {
namespace {

constexpr std::size_t kMostGateways = 16;

platform::DiagnosisSubject common_part(const config::Config& config)
{
  platform::DiagnosisSubject subject;
  subject.socket_buffer_bytes = config.transport.socket_buffer_bytes;
  subject.state_dir = config.state_dir;
  return subject;
}

}  // namespace

platform::DiagnosisSubject client_diagnosis_subject(const config::Config& config,
                                                    const ClientStatus& status,
                                                    const std::vector<ProfileSummary>& profiles)
{
  platform::DiagnosisSubject subject = common_part(config);
  subject.role = platform::DiagnosisSubject::Role::client;
  subject.interface_name = config.client.interface_name;
  subject.mark = config.client.fwmark;
  subject.table = config.client.routing_table;
  subject.rule_priority = config.client.rule_priority;
  for (const ProfileSummary& profile : profiles)
    subject.secret_files.push_back(config.state_dir / "profiles" / (profile.name + ".toml"));
  if (const auto* const connected = std::get_if<Connected>(&status.state)) {
    subject.tunnel_up = true;
    subject.gateways = {connected->remote};
    return subject;
  }
  // Names are not resolved: that would make the caller wait.
  for (const ProfileSummary& profile : profiles) {
    const auto gateway = UdpEndpoint::parse(profile.gateway);
    const bool known =
        gateway && std::ranges::find(subject.gateways, gateway->address, &UdpEndpoint::address) !=
                       subject.gateways.end();
    if (gateway && !known && subject.gateways.size() < kMostGateways)
      subject.gateways.push_back(*gateway);
  }
  return subject;
}

platform::DiagnosisSubject gateway_diagnosis_subject(const config::Config& config)
{
  platform::DiagnosisSubject subject = common_part(config);
  subject.role = platform::DiagnosisSubject::Role::gateway;
  subject.interface_name = config.gateway.interface_name;
  subject.tunnel_up = true;
  const auto& key = config.gateway.tls.private_key;
  subject.secret_files = {key.empty() ? config.state_dir / "gateway.key" : key,
                          config.state_dir / "reset.secret"};
  return subject;
}

}  // namespace slopn::daemon
