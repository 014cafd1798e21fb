#include "daemon/control/gate.hpp"

#include <string>

#include "daemon/control/access.hpp"
#include "daemon/control/error_status.hpp"

namespace slopn::control {
namespace {

grpc::Status role_missing(const ServedUser& user, const Method& method, daemon::Role needed)
{
  const std::string name = user_name(user.uid);
  const std::string role{to_string(needed)};
  const std::string who =
      name.empty() ? "uids = [" + std::to_string(user.uid) + "]" : "users = [\"" + name + "\"]";
  const std::string has = user.role == daemon::Role::none
                              ? "no role"
                              : "only the role " + std::string{to_string(user.role)};
  v1::ErrorDetail detail;
  detail.set_reason(v1::ERROR_REASON_REFUSED);
  detail.set_message(std::string{method.name} + " needs the role " + role + ", and " +
                     (name.empty() ? "uid " + std::to_string(user.uid) : "user " + name) + " has " +
                     has);
  detail.set_remedy("run as root, or grant it in slopnd.toml with [[control.grants]] role = \"" +
                    role + "\", " + who + " and reload slopnd");
  return to_status(
      grpc::StatusCode::PERMISSION_DENIED, detail,
      {{"role", role}, {"grant", "[[control.grants]]\nrole = \"" + role + "\"\n" + who + "\n"}});
}

grpc::Status grants_changed()
{
  v1::ErrorDetail detail;
  detail.set_message("who may do what was changed since this connection was made");
  detail.set_remedy("connect again");
  return to_status(grpc::StatusCode::UNAVAILABLE, detail);
}

}  // namespace

std::optional<grpc::Status> why_denied(const ServedUser& user, const Method& method,
                                       const google::protobuf::Message& request,
                                       std::uint64_t current_version)
{
  const daemon::Role needed = role_needed(method, request);
  if (needed == daemon::Role::none) return std::nullopt;
  if (user.grants_version != current_version && !is_always_admin(user.uid)) return grants_changed();
  if (user.role < needed) return role_missing(user, method, needed);
  return std::nullopt;
}

}  // namespace slopn::control
