#pragma once

#include <string>

#include "libtunnel/base/result.hpp"
#include "platform/firewall.hpp"

namespace slopn::platform {

/// The nftables table a gateway owns, in family inet.
inline constexpr const char* kGatewayTable = "slopn";

/// The commands that make `table` say exactly `rules`, whatever it said before.
///
/// Only packets from or to the tunnel interface and the pools are judged; all others pass, so
/// that a gateway can be anything else besides. Errc::invalid_argument for a name that could
/// change the meaning of the text, and for rules without pools.
[[nodiscard]] Result<std::string> gateway_ruleset(const GatewayRules& rules,
                                                  const std::string& table = kGatewayTable);

}  // namespace slopn::platform
