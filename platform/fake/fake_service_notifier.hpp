#pragma once

#include <string>
#include <utility>
#include <vector>

#include "platform/service_notifier.hpp"

namespace slopn::platform {

/// Keeps what it was told.
class FakeServiceNotifier final : public ServiceNotifier {
 public:
  explicit FakeServiceNotifier(std::optional<std::chrono::microseconds> timeout = std::nullopt)
      : timeout_(timeout)
  {
  }
  void notify(std::string_view assignments) noexcept override { told.emplace_back(assignments); }
  std::optional<std::chrono::microseconds> watchdog_timeout() const override { return timeout_; }

  /// What was told since the last call.
  std::vector<std::string> take() { return std::exchange(told, {}); }

  std::vector<std::string> told;

 private:
  std::optional<std::chrono::microseconds> timeout_;
};

}  // namespace slopn::platform
