#include "daemon/control/control_server.hpp"

#include <fcntl.h>
#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/version_info.h>
#include <spdlog/logger.h>
#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>

#include "daemon/control/access.hpp"
#include "daemon/control/rpc_servers.hpp"
#include "daemon/control/waiting_room.hpp"
#include "libtunnel/base/clock.hpp"

namespace slopn::control {
namespace {

using namespace std::chrono_literals;

constexpr int kAcceptsPerTurn = 32;           // then other work of the control thread comes first
constexpr auto kPauseWithoutSockets = 100ms;  // when the process has no descriptor left
constexpr auto kGraceAtStop = 300ms;
constexpr auto kBetweenWarnings = 10s;  // anybody may cause refusals, so they must not fill the log

Error last_os_error(std::string_view operation)
{
  return fail({errno, boost::system::system_category()}, operation);
}

/// Keeps gRPC's library up until the process ends. Its last user would otherwise take it down and
/// wait for its threads, up to ten seconds when a caller does not read: too long for a stop.
void keep_grpc_up()
{
  static const bool once = [] {
    grpc_init();
    return true;
  }();
  (void)once;
}

/// gRPC's own complaints are about callers' bytes; they go nowhere, as anybody can cause them.
void quiet_grpc_log()
{
#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 65
  gpr_set_log_function([](gpr_log_func_args*) {});
#endif
}

}  // namespace

/// Waits for callers, finds out who they are and hands their sockets to gRPC.
class ControlServer::Impl final : public std::enable_shared_from_this<Impl> {
 public:
  Impl(UnixListener listener, std::shared_ptr<Backend> backend, UniqueFd readiness)
      : listener_(std::move(listener)),
        backend_(std::move(backend)),
        servers_(backend_),
        waiting_(backend_->control, {.patience = backend_->options.limits.first_byte_time},
                 [this](UniqueFd socket, const Peer& peer) { admit(std::move(socket), peer); }),
        readiness_(backend_->control, readiness.release()),
        pause_(backend_->control)
  {
  }

  void wait_for_callers()
  {
    readiness_.async_wait(asio::posix::stream_descriptor::wait_read,
                          [weak = weak_from_this()](const boost::system::error_code& ec) {
                            if (const auto self = weak.lock(); self && !ec) self->accept_callers();
                          });
  }

  void change_grants(std::vector<daemon::Grant> grants)
  {
    if (backend_->stopped) return;
    const auto access = access_for(grants, backend_->options.group);
    if (const auto allowed = listener_.allow(access); !allowed)
      backend_->log->error("control: {}", allowed.error().message());
    backend_->change_grants(std::move(grants));
  }

  void stop()
  {
    if (backend_->stopped) return;
    listener_.close();
    boost::system::error_code ignored;
    readiness_.close(ignored);
    pause_.cancel();
    waiting_.clear();
    backend_->stop();
    servers_.shut_down(kGraceAtStop);
  }

 private:
  void accept_callers()
  {
    if (backend_->stopped) return;
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      UniqueFd caller{
          ::accept4(listener_.socket_fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
      if (caller) {
        greet(std::move(caller));
      } else if (errno == EAGAIN) {
        break;
      } else if (errno != ECONNABORTED && errno != EINTR) {
        return pause_accepting();
      }
    }
    wait_for_callers();
  }

  // Without descriptors or memory the waiting caller stays readable, and we would spin.
  void pause_accepting()
  {
    backend_->log->warn("control: cannot accept callers now: {}",
                        last_os_error("accept").message());
    pause_.expires_after(kPauseWithoutSockets);
    pause_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
      if (const auto self = weak.lock(); self && !ec) self->wait_for_callers();
    });
  }

  void greet(UniqueFd socket)
  {
    if (auto peer = peer_of(socket.get())) waiting_.add(std::move(socket), std::move(*peer));
  }

  void admit(UniqueFd socket, const Peer& peer)
  {
    const daemon::Caller caller{.uid = peer.uid, .gid = peer.gid, .pid = peer.pid};
    const ServedUser user{peer.uid, role_of(peer, backend_->grants), backend_->grants_version};
    if (user.role == daemon::Role::none) log_stranger(caller);
    servers_.hand_over(std::move(socket), caller, user);
  }

  void log_stranger(const daemon::Caller& caller)
  {
    const auto now = Clock::now();
    const bool quiet = now < next_warning_;
    if (!quiet) next_warning_ = now + kBetweenWarnings;
    backend_->log->log(quiet ? spdlog::level::debug : spdlog::level::warn,
                       "control: a caller without a role uid={} pid={}", caller.uid, caller.pid);
  }

  UnixListener listener_;
  std::shared_ptr<Backend> backend_;
  RpcServers servers_;
  WaitingRoom waiting_;
  asio::posix::stream_descriptor readiness_;  // a second descriptor of the listener's socket
  asio::steady_timer pause_;
  Clock::time_point next_warning_{};
};

Result<std::unique_ptr<ControlServer>> ControlServer::start(UnixListener listener,
                                                            ControlOptions options,
                                                            ControlParts parts,
                                                            asio::any_io_executor control)
{
  UniqueFd readiness{::fcntl(listener.socket_fd(), F_DUPFD_CLOEXEC, 0)};
  if (!readiness) return last_os_error("start control server");
  keep_grpc_up();
  quiet_grpc_log();
  auto backend =
      std::make_shared<Backend>(std::move(options), std::move(parts), std::move(control));
  auto impl = std::make_shared<Impl>(std::move(listener), std::move(backend), std::move(readiness));
  impl->wait_for_callers();
  return std::unique_ptr<ControlServer>{new ControlServer(std::move(impl))};
}

ControlServer::ControlServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlServer::~ControlServer()
{
  stop();
}
void ControlServer::change_grants(std::vector<daemon::Grant> grants)
{
  impl_->change_grants(std::move(grants));
}
void ControlServer::stop()
{
  impl_->stop();
}

}  // namespace slopn::control
