#include "daemon/control/access.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace slopn::control {
namespace {

constexpr std::size_t kFirstBuffer = 4 * 1024;
constexpr std::size_t kLongestBuffer = 4 * 1024 * 1024;  // groups with very many members
constexpr int kMostGroups = 65'536;                      // Linux allows no more per process

struct User {
  std::string name;
  gid_t primary_group = 0;
};

std::optional<User> find_user(uid_t uid)
{
  std::vector<char> buffer(kFirstBuffer);
  passwd entry{};
  passwd* found = nullptr;
  while (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < kLongestBuffer) {
    buffer.resize(buffer.size() * 2);
  }
  if (found == nullptr) return std::nullopt;
  return User{entry.pw_name, entry.pw_gid};
}

bool is_member(const User& user, gid_t wanted)
{
  std::vector<gid_t> groups(64);
  auto count = static_cast<int>(groups.size());
  while (::getgrouplist(user.name.c_str(), user.primary_group, groups.data(), &count) < 0) {
    const std::size_t longer = std::max(static_cast<std::size_t>(count), groups.size() * 2);
    if (longer > kMostGroups) return false;
    groups.resize(longer);
    count = static_cast<int>(groups.size());
  }
  groups.resize(static_cast<std::size_t>(count));
  return std::find(groups.begin(), groups.end(), wanted) != groups.end();
}

}  // namespace

std::optional<gid_t> find_group(const std::string& name)
{
  if (name.empty()) return std::nullopt;
  std::vector<char> buffer(kFirstBuffer);
  group entry{};
  group* found = nullptr;
  while (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < kLongestBuffer) {
    buffer.resize(buffer.size() * 2);
  }
  if (found == nullptr) return std::nullopt;
  return entry.gr_gid;
}

std::optional<std::string> why_refused(uid_t uid, gid_t gid, const std::string& group)
{
  if (uid == 0 || uid == ::geteuid()) return std::nullopt;

  const auto wanted = find_group(group);
  const auto user = find_user(uid);
  if (wanted && gid == *wanted) return std::nullopt;
  if (wanted && user && is_member(*user, *wanted)) return std::nullopt;

  const std::string name = user ? user->name : "NAME";
  std::string text = "uid " + std::to_string(uid) + " may not control slopnd: run as root";
  if (wanted) {
    text += " or add the user to group " + group + " (usermod -aG " + group + " " + name +
            ") and log in again";
  }
  return text;
}

}  // namespace slopn::control
