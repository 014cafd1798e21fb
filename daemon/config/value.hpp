#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "daemon/config/diagnostics.hpp"

namespace slopn::config {

struct Value;
struct Member;
using List = std::vector<Value>;
using Table = std::vector<Member>;  ///< In the order of the names.

/// What a variable or a flag holds: text that stands for a value of any type.
struct Text {
  std::string text;
};
/// A date or time, which no key of ours takes.
struct DateOrTime {};

/// A value somebody wrote, not yet understood, and where.
struct Value {
  Position at;
  std::variant<bool, std::int64_t, double, std::string, List, Table, Text, DateOrTime> data;
};

struct Member {
  Position at;  ///< Of the name.
  std::string name;
  Value value;
};

}  // namespace slopn::config
