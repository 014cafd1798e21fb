#pragma once

#include "daemon/config/config.hpp"
#include "daemon/model.hpp"
#include "platform/diagnosis.hpp"

namespace slopn::daemon {

/// What a client with this configuration wants of its host. `profiles` name the gateways, unless
/// the tunnel is up and `status` does.
[[nodiscard]] platform::DiagnosisSubject client_diagnosis_subject(
    const config::Config& config, const ClientStatus& status,
    const std::vector<ProfileSummary>& profiles);

/// The same for a gateway.
[[nodiscard]] platform::DiagnosisSubject gateway_diagnosis_subject(const config::Config& config);

}  // namespace slopn::daemon
