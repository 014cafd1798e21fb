#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/result.hpp"

namespace slopn::config {

/// Where a value was read: a place in a file, a variable, a flag.
struct Position {
  std::string origin;        ///< "slopnd.toml", "SLOPN_LOG_LEVEL", "--set"
  std::uint32_t line = 0;    ///< From 1; 0 where there are no lines.
  std::uint32_t column = 0;  ///< From 1.

  [[nodiscard]] std::string to_string() const;  ///< "slopnd.toml:12:1"
};

/// Complaints about one input, collected so that a person sees them all at once.
class Diagnostics {
 public:
  /// Hostile input can be wrong in a million places; this many are told.
  static constexpr std::size_t kMaxComplaints = 50;

  void add(const Position& at, std::string_view complaint);

  /// Takes over what `other` has collected.
  void merge(const Diagnostics& other);

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// Whether more complaints would be counted only, so that nothing need be spent on their text.
  [[nodiscard]] bool full() const noexcept { return count_ >= kMaxComplaints; }

  /// All complaints, one a line. Not to be called while `empty()`.
  [[nodiscard]] Error to_error(boost::system::error_code code) const;

 private:
  std::string lines_;
  std::size_t count_ = 0;
};

/// `text` for a message: printable ASCII, cut off after `max_bytes`.
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_bytes = 60);

/// The same in double quotes.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// "; did you mean gateway.listen?" with the name that `wrong` was most likely meant to be, or
/// nothing. A name whose last part is the same counts as near: "gateway.anonymous" finds
/// "gateway.auth.anonymous".
[[nodiscard]] std::string did_you_mean(std::string_view wrong,
                                       const std::vector<std::string>& names);

}  // namespace slopn::config
