#pragma once

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "platform/firewall.hpp"

namespace slopn::platform {

/// Records what was asked of it, and holds the rules that would be there now.
class FakeFirewall final : public Firewall {
 public:
  struct Restored {
    friend bool operator==(const Restored&, const Restored&) = default;
  };
  using Call = std::variant<GatewayRules, Restored>;

  [[nodiscard]] Result<> apply(const GatewayRules& rules) override
  {
    calls_.emplace_back(rules);
    if (next_error_) return *std::exchange(next_error_, std::nullopt);
    current_ = rules;
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
  [[nodiscard]] const std::optional<GatewayRules>& current() const noexcept { return current_; }
  /// Makes the next call fail and change nothing.
  void fail_next(Error error) { next_error_ = std::move(error); }

 private:
  std::vector<Call> calls_;
  std::optional<GatewayRules> current_;
  std::optional<Error> next_error_;
};

}  // namespace slopn::platform
