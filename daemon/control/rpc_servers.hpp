#pragma once

#include <grpcpp/server.h>

#include <chrono>
#include <map>
#include <memory>

#include "daemon/control/refusal.hpp"
#include "daemon/control/services.hpp"

namespace slopn::control {

/// gRPC servers without ports: one for each user and role that has a connection, and one that
/// refuses. Who has no role is served as well, within narrow limits: it may ask what it may do.
/// Control thread only.
class RpcServers {
 public:
  explicit RpcServers(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}
  ~RpcServers() { shut_down(std::chrono::milliseconds{0}); }

  /// Serves the caller behind `socket`, or refuses it when there is too much already.
  void hand_over(UniqueFd socket, const daemon::Caller& caller, const ServedUser& user);

  /// Answers every call on `socket` with `why`; beyond the limit closes it without a word.
  void refuse(UniqueFd socket, const daemon::Caller& caller, const grpc::Status& why);

  /// Ends all of them; calls get `grace` to carry their last answer away.
  void shut_down(std::chrono::milliseconds grace);

 private:
  struct UserServer {
    UserServer(const std::shared_ptr<Backend>& backend, const ServedUser& user);
    ControlService control;
    GatewayService gateway;
    std::unique_ptr<grpc::Server> server;  // last: it calls the services until it is gone
  };
  struct RefusingServer {
    explicit RefusingServer(const ControlLimits& limits);
    RefusalService service;
    std::unique_ptr<grpc::Server> server;
  };

  [[nodiscard]] std::size_t count_servers(bool (*which)(const ServedUser&)) const;
  UserServer* server_for(const ServedUser& user);
  void drop_unused_users();

  std::shared_ptr<Backend> backend_;
  std::map<ServedUser, std::unique_ptr<UserServer>> users_;
  std::unique_ptr<RefusingServer> refusing_;
};

}  // namespace slopn::control
