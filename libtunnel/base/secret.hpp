#pragma once

#include <ostream>
#include <utility>

namespace slopn {

/// A key, token or cookie: cannot be printed or logged by accident.
/// `reveal()` is the one place where it becomes readable, easy to find in a review.
template <class T>
class Secret {
 public:
  Secret() = default;
  explicit Secret(T value) : value_(std::move(value)) {}

  [[nodiscard]] const T& reveal() const noexcept { return value_; }

  friend bool operator==(const Secret&, const Secret&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "<redacted>"; }

 private:
  T value_{};
};

}  // namespace slopn
