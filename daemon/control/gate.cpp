#include "daemon/control/gate.hpp"

#include <string>

#include "daemon/control/access.hpp"
#include "daemon/control/error_status.hpp"

namespace slopn::control {
namespace {

constexpr std::size_t kMostNames = 256;

grpc::Status role_missing(const ServedUser& user, const Method& method, daemon::Role needed,
                          const std::string& name)
{
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

const std::string& UserNames::of(uid_t uid)
{
  if (names_.size() >= kMostNames && !names_.contains(uid)) names_.clear();
  const auto [entry, is_new] = names_.try_emplace(uid);
  if (is_new) entry->second = user_name(uid);
  return entry->second;
}

std::optional<grpc::Status> why_denied(const Request& request, std::uint64_t current_version,
                                       UserNames& names)
{
  const ServedUser& user = request.user;
  if (user.grants_version != current_version && !is_always_admin(user.uid)) return grants_changed();
  const daemon::Role needed = role_needed(request.method, request.message);
  if (user.role >= needed) return std::nullopt;
  return role_missing(user, request.method, needed, names.of(user.uid));
}

}  // namespace slopn::control
