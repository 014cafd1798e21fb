#pragma once

#include <cstdint>
#include <optional>

namespace slopn::fleet {

/// What the kernel says about a process at one moment.
struct ProcessSample {
  double cpu_s = 0;  ///< On a CPU so far, all threads together.
  std::uint64_t rss_kib = 0;
  std::uint64_t pss_kib = 0;  ///< 0 when the kernel does not tell.
};

/// Reads /proc; nullopt when there is no such process.
[[nodiscard]] std::optional<ProcessSample> probe(int pid);

}  // namespace slopn::fleet
