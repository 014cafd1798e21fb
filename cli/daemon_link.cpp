#include "cli/daemon_link.hpp"

#include <fcntl.h>
#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/version_info.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "libtunnel/base/unique_fd.hpp"

namespace slopn::cli {
namespace {

constexpr const char* kServiceUser = "slopn";
constexpr timeval kConnectTimeout{2, 0};  // only a daemon whose queue is full makes us wait

Failure unreachable(const std::filesystem::path& path, const std::string& why)
{
  return {ExitCode::daemon_unreachable, "daemon_unreachable",
          "no slopnd answers at " + path.string() + ": " + why,
          "is slopnd running? systemctl start slopnd"};
}

Failure connect_failure(const std::filesystem::path& path, int error)
{
  if (error == EACCES || error == EPERM) {
    return {
        ExitCode::not_permitted, "not_permitted",
        "uid " + std::to_string(::geteuid()) + " may not control slopnd (" + path.string() + ")",
        "run as root, or have the user added to group slopn (usermod -aG slopn NAME) and log in "
        "again"};
  }
  return unreachable(path, std::strerror(error));
}

/// Whether the packaged service runs as `uid` (systemd/sysusers.d). Only root makes that user.
bool is_service_user(uid_t uid)
{
  std::array<char, 16 * 1024> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  return ::getpwnam_r(kServiceUser, &entry, buffer.data(), buffer.size(), &found) == 0 &&
         found != nullptr && found->pw_uid == uid;
}

/// Anybody who may write where the socket is could listen there; root, the service's own user and
/// this user may.
Outcome<> check_listener(const UniqueFd& socket, const std::filesystem::path& path)
{
  ucred listener{};
  socklen_t size = sizeof listener;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &listener, &size) < 0) {
    return unreachable(path, std::strerror(errno));
  }
  if (listener.uid == 0 || listener.uid == ::geteuid() || is_service_user(listener.uid)) return {};
  return Failure{ExitCode::daemon_unreachable, "impostor",
                 "what listens at " + path.string() + " runs as uid " +
                     std::to_string(listener.uid) +
                     ", and neither as root nor as the user slopn: it is not asked",
                 "see who that is (process " + std::to_string(listener.pid) +
                     "), or name the right socket with --socket"};
}

Outcome<UniqueFd> connect_to(const std::filesystem::path& path)
{
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.empty() || text.size() >= sizeof address.sun_path) {
    return Failure{ExitCode::usage, "usage",
                   "--socket: a path of 1 to " + std::to_string(sizeof address.sun_path - 1) +
                       " bytes is needed",
                   ""};
  }
  text.copy(address.sun_path, text.size());

  UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket) return unreachable(path, std::strerror(errno));
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kConnectTimeout,
                     sizeof kConnectTimeout);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    return connect_failure(path, errno);
  }
  if (auto checked = check_listener(socket, path); !checked) return checked.error();
  if (::fcntl(socket.get(), F_SETFL, O_NONBLOCK) < 0) {
    return unreachable(path, std::strerror(errno));
  }
  return socket;
}

}  // namespace

Outcome<DaemonLink> DaemonLink::open(const std::filesystem::path& socket_path)
{
  auto socket = connect_to(socket_path);
  if (!socket) return socket.error();
#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 65
  gpr_set_log_function([](gpr_log_func_args*) {});  // what matters comes as a status
#endif
  grpc_init();  // never undone: taking the library down takes longer than most commands
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(std::numeric_limits<int>::max());
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return DaemonLink{
      grpc::CreateCustomInsecureChannelFromFd("slopnd", socket->release(), arguments)};
}

}  // namespace slopn::cli
