#pragma once

#include <string>

#include "libtunnel/base/result.hpp"

namespace slopn::platform {

/// Runs nftables commands in the network namespace of the calling thread as one transaction:
/// all of them take effect, or none. The error carries what libnftables says.
///
/// `commands` must be made of text that is harmless by construction; nothing is escaped here.
[[nodiscard]] Result<> run_nftables(const std::string& commands);

/// Commands that remove `table` of family inet whether it exists or not.
[[nodiscard]] std::string nftables_removal(const std::string& table);

}  // namespace slopn::platform
