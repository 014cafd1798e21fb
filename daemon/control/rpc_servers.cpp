#include "daemon/control/rpc_servers.hpp"

#include <grpc/grpc.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <string>

#include "daemon/control/error_status.hpp"

namespace slopn::control {
namespace {

constexpr int kStreamsPerConnection = 32;
// Callers that come and go quicker than gRPC closes sockets are slowed down by this.
constexpr std::size_t kDyingConnections = 256;
constexpr int kMetadataBytes = 8 * 1024;

void limit(grpc::ServerBuilder& builder, const ControlLimits& limits)
{
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits.message_bytes));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                             static_cast<int>(limits.idle_time.count()));
  // A small compressed message must not become a large one.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
}

grpc::Status too_many(const std::string& what)
{
  v1::ErrorDetail detail;
  detail.set_reason(v1::ERROR_REASON_BUSY);
  detail.set_message(what);
  detail.set_remedy("close some and try again");
  return to_status(grpc::StatusCode::RESOURCE_EXHAUSTED, detail);
}

}  // namespace

RpcServers::UserServer::UserServer(const std::shared_ptr<Backend>& backend, uid_t uid)
    : control(backend, uid), gateway(backend, uid)
{
  grpc::ServerBuilder builder;
  limit(builder, backend->options.limits);
  builder.RegisterService(&control);
  builder.RegisterService(&gateway);
  server = builder.BuildAndStart();
}

RpcServers::RefusingServer::RefusingServer(const ControlLimits& limits)
{
  grpc::ServerBuilder builder;
  limit(builder, limits);
  builder.RegisterCallbackGenericService(&service);
  server = builder.BuildAndStart();
}

void RpcServers::hand_over(UniqueFd socket, const daemon::Caller& caller)
{
  const ControlLimits& limits = backend_->options.limits;
  const auto count = backend_->connections.count(caller.uid);
  if (count.dying >= kDyingConnections) return;
  if (count.of_user >= limits.connections_per_user) {
    return refuse(std::move(socket), caller,
                  too_many("uid " + std::to_string(caller.uid) + " has " +
                           std::to_string(count.of_user) + " connections to slopnd open"));
  }
  // Root is never locked out by others.
  if (caller.uid != 0 && count.of_non_root >= limits.connections) {
    return refuse(std::move(socket), caller,
                  too_many(std::to_string(count.of_non_root) + " connections to slopnd are open"));
  }
  UserServer* const user = server_for(caller.uid);
  if (user == nullptr) {
    return refuse(
        std::move(socket), caller,
        too_many(std::to_string(limits.users) + " users have connections to slopnd open"));
  }
  backend_->connections.add(socket.get(), caller, Connections::Kind::served);
  grpc::AddInsecureChannelFromFd(user->server.get(), socket.release());
}

void RpcServers::refuse(UniqueFd socket, const daemon::Caller& caller, const grpc::Status& why)
{
  const ControlLimits& limits = backend_->options.limits;
  const auto count = backend_->connections.count(caller.uid);
  if (count.refused >= limits.refused_connections || count.dying >= kDyingConnections) return;
  if (!refusing_) refusing_ = std::make_unique<RefusingServer>(limits);
  if (!refusing_->server) return;
  backend_->connections.add(socket.get(), caller, Connections::Kind::refused);
  refusing_->service.explain(socket.get(), why);
  grpc::AddInsecureChannelFromFd(refusing_->server.get(), socket.release());
}

RpcServers::UserServer* RpcServers::server_for(uid_t uid)
{
  if (const auto found = users_.find(uid); found != users_.end()) return found->second.get();

  const std::size_t limit = backend_->options.limits.users;
  if (users_.size() >= limit) drop_unused_users();
  if (uid != 0 && users_.size() >= limit) return nullptr;
  auto user = std::make_unique<UserServer>(backend_, uid);
  if (!user->server) return nullptr;
  return users_.emplace(uid, std::move(user)).first->second.get();
}

void RpcServers::drop_unused_users()
{
  std::erase_if(users_, [this](const auto& item) {
    if (backend_->connections.has_served(item.first)) return false;
    item.second->server->Shutdown(std::chrono::system_clock::now());
    return true;
  });
}

void RpcServers::shut_down(std::chrono::milliseconds grace)
{
  const auto deadline = std::chrono::system_clock::now() + grace;
  for (const auto& [uid, user] : users_) user->server->Shutdown(deadline);
  if (refusing_ && refusing_->server) refusing_->server->Shutdown(deadline);
  users_.clear();
  refusing_.reset();
}

}  // namespace slopn::control
