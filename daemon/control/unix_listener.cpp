#include "daemon/control/unix_listener.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/control/access.hpp"
#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/crc32.hpp"

namespace slopn::control {
namespace {

namespace fs = std::filesystem;

constexpr int kBacklog = 128;
constexpr mode_t kDirMode = 0755;
constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kOwnerAndGroup = 0660;
constexpr mode_t kEveryone = 0666;

Error last_os_error(std::string_view operation)
{
  return fail({errno, boost::system::system_category()}, operation);
}

/// `path` as a socket address; nullopt when it is too long for one.
std::optional<sockaddr_un> socket_address(const fs::path& path)
{
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.empty() || text.size() >= sizeof address.sun_path) return std::nullopt;
  text.copy(address.sun_path, text.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address)
{
  return reinterpret_cast<const sockaddr*>(&address);
}

std::string pid_note(pid_t pid)
{
  return pid > 0 ? " (pid " + std::to_string(pid) + ")" : std::string{};
}

Error another_daemon(pid_t pid)
{
  return fail(Errc::busy, "another slopnd is running" + pid_note(pid));
}

/// Whoever may write to the folder could put a socket of their own in our place.
Result<> check_folder(const fs::path& dir)
{
  if (::mkdir(dir.c_str(), kDirMode) == 0) {
    (void)::chmod(dir.c_str(), kDirMode);  // whatever the umask left of it
  } else if (errno != EEXIST) {
    return last_os_error("make " + dir.string());
  }
  struct stat info {};
  if (::lstat(dir.c_str(), &info) < 0) return last_os_error(dir.string());
  if (!S_ISDIR(info.st_mode)) {
    return fail(Errc::already_exists, dir.string() + " is not a folder; remove it");
  }
  if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
    return fail(Errc::platform_denied, dir.string() + " belongs to uid " +
                                           std::to_string(info.st_uid) +
                                           ", not to root; change its owner (chown root)");
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(Errc::platform_denied,
                "others may write to " + dir.string() + "; take that away (chmod go-w)");
  }
  return {};
}

pid_t pid_in(int lock_fd)
{
  std::array<char, 16> text{};
  const ssize_t size = ::pread(lock_fd, text.data(), text.size(), 0);
  pid_t pid = 0;
  if (size > 0) std::from_chars(text.data(), text.data() + size, pid);
  return pid;
}

/// The lock goes with the process, however it ends. Its content only serves the message.
Result<UniqueFd> lock_out_others(const fs::path& path)
{
  UniqueFd fd{
      ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, kOwnerOnly)};
  if (!fd) return last_os_error("open " + path.string());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) < 0) {
    if (errno == EWOULDBLOCK) return another_daemon(pid_in(fd.get()));
    return last_os_error("lock " + path.string());
  }
  const std::string pid = std::to_string(::getpid()) + '\n';
  if (::ftruncate(fd.get(), 0) < 0 ||
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return last_os_error("write " + path.string());
  }
  return fd;
}

/// Succeeds when nothing is at `path`, or a socket without a listener.
Result<> check_place(const fs::path& path, const sockaddr_un& address)
{
  struct stat info {};
  if (::lstat(path.c_str(), &info) < 0) {
    if (errno == ENOENT) return {};
    return last_os_error(path.string());
  }
  if (!S_ISSOCK(info.st_mode)) {
    const char* what = S_ISLNK(info.st_mode) ? "a symbolic link" : "not a socket";
    return fail(Errc::already_exists, path.string() + " is " + what + "; remove it");
  }

  const UniqueFd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!probe) return last_os_error("open socket");
  if (::connect(probe.get(), generic(address), sizeof address) == 0) {
    const auto peer = peer_of(probe.get());
    return another_daemon(peer ? peer->pid : 0);
  }
  if (errno == ECONNREFUSED || errno == ENOENT) return {};
  if (errno == EAGAIN) return another_daemon(0);  // its queue is full, so somebody listens
  return last_os_error("connect to " + path.string());
}

/// A folder that only we can enter, so that a socket in it is out of reach until it is ready.
/// The name is fixed: we hold the lock, so what is there was left behind by a crash.
class PrivateFolder {
 public:
  static Result<PrivateFolder> make(fs::path path)
  {
    (void)::unlink((path / "socket").c_str());
    (void)::rmdir(path.c_str());
    if (::mkdir(path.c_str(), 0700) < 0) return last_os_error("make " + path.string());
    return PrivateFolder{std::move(path)};
  }
  PrivateFolder(PrivateFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PrivateFolder& operator=(PrivateFolder&&) = delete;
  ~PrivateFolder()
  {
    if (path_.empty()) return;
    (void)::unlink(socket_path().c_str());
    (void)::rmdir(path_.c_str());
  }
  [[nodiscard]] fs::path socket_path() const { return path_ / "socket"; }

 private:
  explicit PrivateFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

/// True when the group may connect now. Without it the socket stays with its owner.
bool open_to_group(const fs::path& path, const std::string& group)
{
  const auto gid = find_group(group);
  return gid && ::lchown(path.c_str(), static_cast<uid_t>(-1), *gid) == 0 &&
         ::chmod(path.c_str(), kOwnerAndGroup) == 0;
}

}  // namespace

fs::path UnixListener::private_folder_for(const fs::path& socket_path)
{
  const std::string name = socket_path.filename().string();
  const std::uint32_t sum = crc32(as_bytes(name));
  const std::string digits = to_hex(std::as_bytes(std::span{&sum, 1}));
  return socket_path.parent_path() / (".new-" + digits.substr(0, 6));
}

Result<UnixListener> UnixListener::open(const ListenerOptions& options)
{
  const fs::path dir = options.socket_path.parent_path();
  const fs::path private_dir = private_folder_for(options.socket_path);
  const auto address = socket_address(options.socket_path);
  const auto hidden_address = socket_address(private_dir / "socket");
  if (!address || !hidden_address || !options.socket_path.is_absolute()) {
    return fail(Errc::invalid_argument,
                "control socket " + options.socket_path.string() +
                    ": it needs an absolute path of at most 107 bytes, in a folder of at most 88");
  }

  if (auto checked = check_folder(dir); !checked) return checked.error();
  fs::path lock_path = options.socket_path;
  lock_path.replace_extension(".lock");
  auto lock = lock_out_others(lock_path);
  if (!lock) return lock.error();
  if (auto free = check_place(options.socket_path, *address); !free) return free.error();

  UnixListener listener;
  listener.socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.socket_) return last_os_error("open control socket");

  const auto folder = PrivateFolder::make(private_dir);
  if (!folder) return folder.error();
  const fs::path hidden = folder->socket_path();
  // Linux gives a bound socket the mode of the unbound one, less the umask.
  if (::fchmod(listener.socket_.get(), kOwnerOnly) < 0 ||
      ::bind(listener.socket_.get(), generic(*hidden_address), sizeof *hidden_address) < 0 ||
      ::chmod(hidden.c_str(), kOwnerOnly) < 0) {
    return last_os_error("bind control socket");
  }
  listener.group_may_connect_ = open_to_group(hidden, options.group);
  if (options.access == SocketAccess::everyone && ::chmod(hidden.c_str(), kEveryone) < 0) {
    return last_os_error("open control socket to everyone");
  }

  struct stat info {};
  if (::listen(listener.socket_.get(), kBacklog) < 0 || ::lstat(hidden.c_str(), &info) < 0 ||
      ::rename(hidden.c_str(), options.socket_path.c_str()) < 0) {
    return last_os_error("put control socket to " + options.socket_path.string());
  }
  listener.path_ = options.socket_path;
  listener.device_ = info.st_dev;
  listener.inode_ = info.st_ino;
  listener.lock_ = std::move(*lock);
  return listener;
}

Result<> UnixListener::allow(SocketAccess access)
{
  // The folder is root's or ours, so nobody else can have put another file here meanwhile.
  const mode_t restricted = group_may_connect_ ? kOwnerAndGroup : kOwnerOnly;
  const mode_t mode = access == SocketAccess::everyone ? kEveryone : restricted;
  if (path_.empty() || ::chmod(path_.c_str(), mode) == 0) return {};
  return last_os_error("change who may connect to " + path_.string());
}

UnixListener& UnixListener::operator=(UnixListener&& other) noexcept
{
  if (this != &other) {
    close();
    path_ = std::exchange(other.path_, {});
    socket_ = std::move(other.socket_);
    lock_ = std::move(other.lock_);
    device_ = other.device_;
    inode_ = other.inode_;
    group_may_connect_ = other.group_may_connect_;
  }
  return *this;
}

UnixListener::~UnixListener()
{
  close();
}

void UnixListener::close() noexcept
{
  // Not if somebody put another one there: then it is theirs.
  struct stat info {};
  if (!path_.empty() && ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ &&
      info.st_ino == inode_) {
    (void)::unlink(path_.c_str());
  }
  path_.clear();
  socket_.reset();
}

}  // namespace slopn::control
