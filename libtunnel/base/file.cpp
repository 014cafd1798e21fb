#include "libtunnel/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "libtunnel/base/unique_fd.hpp"

namespace slopn {
namespace {

namespace fs = std::filesystem;

Error os_error(int number, std::string_view operation)
{
  return fail({number, boost::system::system_category()}, operation);
}

Error last_os_error(std::string_view operation)
{
  return os_error(errno, operation);
}

Error about(const fs::path& path, Error error)
{
  return std::move(error).within(path.string());
}

bool trusted_owner(uid_t owner) noexcept
{
  return owner == 0 || owner == ::geteuid();
}

Result<> check_trust(const struct stat& status)
{
  if (!trusted_owner(status.st_uid)) {
    return fail(Errc::platform_denied, "belongs to uid " + std::to_string(status.st_uid) +
                                           ", not to root or to us: chown it");
  }
  if ((status.st_mode & S_IWOTH) != 0)
    return fail(Errc::platform_denied, "everyone may write to it: chmod o-w it");
  return {};
}

Result<> check_readable(const struct stat& status, const ReadRules& rules)
{
  if (!S_ISREG(status.st_mode)) return fail(Errc::invalid_argument, "not a regular file");
  if (rules.trust == FileTrust::ourselves) return check_trust(status);
  return {};
}

// At most one byte more than `max_bytes`, which tells a file that is too long.
Result<std::string> read_up_to(int fd, std::size_t max_bytes)
{
  std::string content;
  std::array<char, 16384> chunk{};
  while (content.size() <= max_bytes) {
    const auto length = ::read(fd, chunk.data(), chunk.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return last_os_error("read");
    if (length == 0) return content;
    content.append(chunk.data(), static_cast<std::size_t>(length));
  }
  return fail(Errc::invalid_argument, "longer than " + std::to_string(max_bytes) + " bytes");
}

Result<> write_all(int fd, std::string_view content)
{
  while (!content.empty()) {
    const auto length = ::write(fd, content.data(), content.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return last_os_error("write");
    content.remove_prefix(static_cast<std::size_t>(length));
  }
  return {};
}

Result<> write_new_file(const fs::path& path, std::string_view content, mode_t mode,
                        Durability durability)
{
  // Left over from a crash. A link that somebody planted is removed here too, and O_EXCL follows
  // none that comes back.
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) return last_os_error("remove old temporary");
  constexpr mode_t kOwnerOnly = 0600;
  const UniqueFd fd{
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kOwnerOnly)};
  if (!fd) return last_os_error("create temporary");
  if (::fchmod(fd.get(), mode) < 0) return last_os_error("set mode of temporary");
  if (auto written = write_all(fd.get(), content); !written) return written;
  if (durability == Durability::machine_crash && ::fsync(fd.get()) < 0)
    return last_os_error("sync temporary");
  return {};
}

Result<> sync_dir(const fs::path& dir)
{
  const UniqueFd fd{::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return last_os_error("open folder");
  if (::fsync(fd.get()) < 0) return last_os_error("sync folder");
  return {};
}

fs::path dir_of(const fs::path& path)
{
  return path.has_parent_path() ? path.parent_path() : fs::path{"."};
}

Result<> replace_file(const fs::path& path, std::string_view content, mode_t mode,
                      Durability durability)
{
  const auto temporary = dir_of(path) / ("." + path.filename().string() + ".tmp");
  auto written = write_new_file(temporary, content, mode, durability);
  if (written && ::rename(temporary.c_str(), path.c_str()) < 0) written = last_os_error("rename");
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (durability == Durability::own_crash) return {};
  return sync_dir(dir_of(path));
}

Result<> tighten_dir(const fs::path& dir, mode_t mode)
{
  const UniqueFd fd{::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return last_os_error("open folder");
  struct stat status {};
  if (::fstat(fd.get(), &status) < 0) return last_os_error("look at folder");
  if (!trusted_owner(status.st_uid)) {
    return fail(Errc::platform_denied, "the folder belongs to uid " +
                                           std::to_string(status.st_uid) + ", not to root or us");
  }
  constexpr mode_t kPermissions = 07777;
  if ((status.st_mode & kPermissions & ~mode) == 0) return {};
  if (::fchmod(fd.get(), status.st_mode & mode) < 0) return last_os_error("tighten folder");
  return {};
}

}  // namespace

Result<std::string> read_file(const fs::path& path, const ReadRules& rules)
{
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!fd) return about(path, last_os_error("open"));
  struct stat status {};
  if (::fstat(fd.get(), &status) < 0) return about(path, last_os_error("look at file"));
  if (auto readable = check_readable(status, rules); !readable)
    return about(path, std::move(readable.error()));
  auto content = read_up_to(fd.get(), rules.max_bytes);
  if (!content) return about(path, std::move(content.error()));
  return content;
}

Result<> atomic_write_file(const fs::path& path, std::string_view content, mode_t mode,
                           Durability durability)
{
  if (!path.has_filename()) return about(path, fail(Errc::invalid_argument, "names no file"));
  if (auto replaced = replace_file(path, content, mode, durability); !replaced)
    return about(path, std::move(replaced.error()));
  return {};
}

Result<> make_private_dir(const fs::path& dir, mode_t mode)
{
  std::error_code error;
  fs::create_directories(dir_of(dir), error);  // a failure shows in the next line
  if (::mkdir(dir.c_str(), mode) < 0 && errno != EEXIST)
    return about(dir, last_os_error("make folder"));
  if (auto tightened = tighten_dir(dir, mode); !tightened)
    return about(dir, std::move(tightened.error()));
  return {};
}

Result<fs::path> set_aside_damaged(const fs::path& path)
{
  constexpr int kMaxKept = 100;
  for (int number = 1; number <= kMaxKept; ++number) {
    const fs::path aside = path.string() + ".damaged-" + std::to_string(number);
    struct stat status {};
    const bool taken = ::lstat(aside.c_str(), &status) == 0;
    if (taken && number < kMaxKept) continue;
    if (::rename(path.c_str(), aside.c_str()) < 0) return about(path, last_os_error("set aside"));
    if (auto synced = sync_dir(dir_of(path)); !synced)
      return about(path, std::move(synced.error()));
    return aside;
  }
  return about(path, fail(Errc::busy, "set aside"));
}

}  // namespace slopn
