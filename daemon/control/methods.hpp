#pragma once

#include <google/protobuf/message.h>

#include <span>
#include <string>
#include <string_view>

#include "daemon/roles.hpp"

namespace slopn::control {

/// What there is to know about a call before it is made: who may, and what the audit log says of it.
struct Method {
  std::string_view name;  ///< "Connect"; no two services have one of the same name.
  daemon::Role role;      ///< Which the caller needs at least.

  /// A higher role that this request needs; null: it is always `role`.
  daemon::Role (*role_for)(const google::protobuf::Message& request) = nullptr;
  /// The main argument, never a secret: "profile=home"; null: there is none.
  std::string (*argument)(const google::protobuf::Message& request) = nullptr;
};

/// Every method of every service; a test compares it with the services' descriptors.
[[nodiscard]] std::span<const Method> methods() noexcept;

/// Null for an unknown name.
[[nodiscard]] const Method* find_method(std::string_view name) noexcept;

[[nodiscard]] daemon::Role role_needed(const Method& method,
                                       const google::protobuf::Message& request);

/// One line, cut off where it gets long; empty when there is nothing to say.
[[nodiscard]] std::string argument_of(const Method& method,
                                      const google::protobuf::Message& request);

}  // namespace slopn::control
