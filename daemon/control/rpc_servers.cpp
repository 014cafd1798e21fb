#include "daemon/control/rpc_servers.hpp"

#include <grpc/grpc.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <algorithm>
#include <string>

#include "daemon/control/error_status.hpp"

namespace slopn::control {
namespace {

constexpr int kStreamsPerConnection = 32;
// Callers that come and go quicker than gRPC closes sockets are slowed down by this.
constexpr std::size_t kDyingConnections = 256;
constexpr int kMetadataBytes = 8 * 1024;
// What a stranger may send at most: the requests that are answered are empty.
constexpr std::size_t kStrangersMessageBytes = 1024;
constexpr int kStrangersStreams = 2;

bool is_stranger(const ServedUser& user)
{
  return user.role == daemon::Role::none;
}
bool has_a_role(const ServedUser& user)
{
  return !is_stranger(user);
}

struct RpcLimits {
  std::size_t message_bytes;
  int streams_per_connection;
};

void limit(grpc::ServerBuilder& builder, const ControlLimits& limits, RpcLimits rpc)
{
  builder.SetMaxReceiveMessageSize(static_cast<int>(rpc.message_bytes));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, rpc.streams_per_connection);
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

RpcServers::UserServer::UserServer(const std::shared_ptr<Backend>& backend, const ServedUser& user)
    : control(backend, user), gateway(backend, user)
{
  grpc::ServerBuilder builder;
  const ControlLimits& limits = backend->options.limits;
  limit(builder, limits,
        is_stranger(user) ? RpcLimits{kStrangersMessageBytes, kStrangersStreams}
                          : RpcLimits{limits.message_bytes, kStreamsPerConnection});
  builder.RegisterService(&control);
  builder.RegisterService(&gateway);
  server = builder.BuildAndStart();
}

RpcServers::RefusingServer::RefusingServer(const ControlLimits& limits)
{
  grpc::ServerBuilder builder;
  limit(builder, limits, {kStrangersMessageBytes, kStrangersStreams});
  builder.RegisterCallbackGenericService(&service);
  server = builder.BuildAndStart();
}

void RpcServers::hand_over(UniqueFd socket, const daemon::Caller& caller, const ServedUser& user)
{
  const ControlLimits& limits = backend_->options.limits;
  const auto count = backend_->connections.count(caller.uid);
  if (count.dying >= kDyingConnections) return;
  if (is_stranger(user) && count.refused >= limits.refused_connections) return;
  if (count.of_user >= limits.connections_per_user) {
    return refuse(std::move(socket), caller,
                  too_many("uid " + std::to_string(caller.uid) + " has " +
                           std::to_string(count.of_user) + " connections to slopnd open"));
  }
  // Root is never locked out by others.
  if (caller.uid != 0 && has_a_role(user) && count.of_non_root >= limits.connections) {
    return refuse(std::move(socket), caller,
                  too_many(std::to_string(count.of_non_root) + " connections to slopnd are open"));
  }
  UserServer* const found = server_for(user);
  if (found == nullptr) {
    return refuse(
        std::move(socket), caller,
        too_many(std::to_string(limits.users) + " users have connections to slopnd open"));
  }
  backend_->connections.add(
      socket.get(), caller,
      is_stranger(user) ? Connections::Kind::stranger : Connections::Kind::served);
  grpc::AddInsecureChannelFromFd(found->server.get(), socket.release());
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

std::size_t RpcServers::count_servers(bool (*which)(const ServedUser&)) const
{
  return static_cast<std::size_t>(std::count_if(
      users_.begin(), users_.end(), [which](const auto& item) { return which(item.first); }));
}

RpcServers::UserServer* RpcServers::server_for(const ServedUser& user)
{
  if (const auto found = users_.find(user); found != users_.end()) return found->second.get();

  const ControlLimits& limits = backend_->options.limits;
  const auto same_kind = is_stranger(user) ? is_stranger : has_a_role;
  const std::size_t most = is_stranger(user) ? limits.refused_connections : limits.users;
  if (count_servers(same_kind) >= most) drop_unused_users();
  if (user.uid != 0 && count_servers(same_kind) >= most) return nullptr;
  auto made = std::make_unique<UserServer>(backend_, user);
  if (!made->server) return nullptr;
  return users_.emplace(user, std::move(made)).first->second.get();
}

void RpcServers::drop_unused_users()
{
  std::erase_if(users_, [this](const auto& item) {
    // gRPC waits for calls that are still open, and they for us.
    if (backend_->connections.has_served(item.first.uid)) return false;
    if (backend_->calls.has_any_of(item.first)) return false;
    item.second->server->Shutdown(std::chrono::system_clock::now());
    return true;
  });
}

void RpcServers::shut_down(std::chrono::milliseconds grace)
{
  const auto deadline = std::chrono::system_clock::now() + grace;
  for (const auto& [who, user] : users_) user->server->Shutdown(deadline);
  if (refusing_ && refusing_->server) refusing_->server->Shutdown(deadline);
  users_.clear();
  refusing_.reset();
}

}  // namespace slopn::control
