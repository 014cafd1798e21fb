#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/support/status.h>
#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <optional>

#include "daemon/control/methods.hpp"
#include "daemon/roles.hpp"

namespace slopn::control {

/// Whom a service serves. There is a service, and a gRPC server, for each of these: a call's role is
/// known from where it arrives, and cannot be mistaken for somebody else's.
struct ServedUser {
  uid_t uid = 0;
  daemon::Role role = daemon::Role::none;
  /// Which grants the role comes from: they are counted. Other ones may give another role.
  std::uint64_t grants_version = 0;
  friend auto operator<=>(const ServedUser&, const ServedUser&) = default;
};

/// Why `user` may not make this call, with the grant that would help; nullopt when it may.
/// `current_version` is that of the grants that hold now.
[[nodiscard]] std::optional<grpc::Status> why_denied(const ServedUser& user, const Method& method,
                                                     const google::protobuf::Message& request,
                                                     std::uint64_t current_version);

}  // namespace slopn::control
