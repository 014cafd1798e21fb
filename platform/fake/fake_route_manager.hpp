#pragma once

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "platform/route_manager.hpp"

namespace slopn::platform {

/// Records what was asked of it, and holds the network that would be there now.
class FakeRouteManager final : public RouteManager {
 public:
  struct Restored {
    friend bool operator==(const Restored&, const Restored&) = default;
  };
  using Call = std::variant<NetworkConfig, Restored>;

  [[nodiscard]] Result<> apply(const NetworkConfig& config) override
  {
    calls_.emplace_back(config);
    if (next_error_) return *std::exchange(next_error_, std::nullopt);
    current_ = config;
    return {};
  }

  [[nodiscard]] Result<> restore() override
  {
    calls_.emplace_back(Restored{});
    if (next_error_) return *std::exchange(next_error_, std::nullopt);
    current_.reset();
    return {};
  }

  /// All calls, also those that failed, in order.
  [[nodiscard]] const std::vector<Call>& calls() const noexcept { return calls_; }
  /// Absent before the first `apply()` and after `restore()`.
  [[nodiscard]] const std::optional<NetworkConfig>& current() const noexcept { return current_; }
  /// Makes the next call fail and change nothing.
  void fail_next(Error error) { next_error_ = std::move(error); }

 private:
  std::vector<Call> calls_;
  std::optional<NetworkConfig> current_;
  std::optional<Error> next_error_;
};

}  // namespace slopn::platform
