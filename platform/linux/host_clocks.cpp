#include "platform/host_clocks.hpp"

#include <ctime>

namespace slopn::platform {
namespace {

std::chrono::nanoseconds read(clockid_t clock) noexcept
{
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

HostClocks read_host_clocks() noexcept
{
  return {read(CLOCK_MONOTONIC), read(CLOCK_BOOTTIME), read(CLOCK_REALTIME)};
}

}  // namespace slopn::platform
