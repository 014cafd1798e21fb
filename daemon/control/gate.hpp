#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/support/status.h>
#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

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

/// Names of users who are refused, so that refusals do not ask the system's user database each time:
/// where that is on the network it may be slow, and anybody can be refused.
class UserNames {
 public:
  /// Empty when there is none.
  [[nodiscard]] const std::string& of(uid_t uid);
  void forget() { names_.clear(); }

 private:
  std::map<uid_t, std::string> names_;
};

/// What the gate is asked with.
struct Request {
  const ServedUser& user;
  const Method& method;
  const google::protobuf::Message& message;
};

/// Why the caller may not do that, with the grant that would help; nullopt when it may.
/// `current_version` is that of the grants that hold now.
[[nodiscard]] std::optional<grpc::Status> why_denied(const Request& request,
                                                     std::uint64_t current_version,
                                                     UserNames& names);

}  // namespace slopn::control
