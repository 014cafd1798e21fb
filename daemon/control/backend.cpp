#include "daemon/control/services.hpp"

namespace slopn::control {
namespace {

// Enough for every connection to have some calls open; more means that something loops.
constexpr std::size_t kOpenCalls = 1024;

}  // namespace

Backend::Backend(ControlOptions chosen, daemon::Commands& orders, asio::any_io_executor executor,
                 std::shared_ptr<spdlog::logger> logger)
    : options(std::move(chosen)),
      control(std::move(executor)),
      calls(kOpenCalls),
      commands(orders),
      log(std::move(logger)),
      watchers(orders)
{
}

}  // namespace slopn::control
