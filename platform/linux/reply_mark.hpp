#pragma once

#include <cstdint>

#include "libtunnel/base/result.hpp"

/// Strict reverse-path filtering (`rp_filter=1`) asks the routing rules where a packet's sender is.
/// For our gateway's replies the rules answer "in the tunnel", because replies carry no mark, and
/// the kernel drops them. These functions give replies to marked sockets the mark of their socket;
/// `src_valid_mark=1` then makes the filter look at it.
namespace slopn::platform {

/// Whether any interface filters strictly. Loose filtering and none need no marks.
[[nodiscard]] bool strict_reverse_path_in_use();

/// Makes the nftables table that marks UDP replies; replaces an earlier one.
[[nodiscard]] Result<> mark_replies(std::uint32_t mark);

/// Removes that table. No error on a host without nftables, where there cannot be one.
void stop_marking_replies();

}  // namespace slopn::platform
