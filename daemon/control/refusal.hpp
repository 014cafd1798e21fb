#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/status.h>

#include <mutex>
#include <string>
#include <unordered_map>

namespace slopn::control {

/// Answers every call with why its connection is refused. It has its own gRPC server, so that a
/// refused caller is not even near the code that could do something for it.
class RefusalService final : public grpc::CallbackGenericService {
 public:
  /// What calls over gRPC's socket `fd` are answered with. Control thread; before gRPC has it.
  void explain(int fd, const grpc::Status& status);

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

  std::mutex mutex_;
  std::unordered_map<std::string, grpc::Status> reasons_;  // by peer: "fd:7"; as many as sockets
};

}  // namespace slopn::control
