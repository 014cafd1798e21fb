#pragma once

#include <memory>

#include "platform/tun_queues.hpp"

namespace slopn::platform {

/// Puts a program of ours (eBPF, TUNSETSTEERINGEBPF, Linux 4.16) in front of the queues of the
/// interface behind `tun_fd`. Errors: the kernel has no bpf(2), or does not let us use it
/// (CAP_BPF, or CAP_SYS_ADMIN before Linux 5.8).
[[nodiscard]] Result<std::unique_ptr<TunSteering>> steer_tun(int tun_fd, std::size_t max_addresses);

}  // namespace slopn::platform
