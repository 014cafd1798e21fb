#include "daemon/control/refusal.hpp"

#include <memory>

namespace slopn::control {
namespace {

class RefusedCall final : public grpc::ServerGenericBidiReactor {
 public:
  explicit RefusedCall(const grpc::Status& status) { Finish(status); }

 private:
  void OnDone() override { const std::unique_ptr<RefusedCall> self{this}; }
};

}  // namespace

void RefusalService::explain(int fd, const grpc::Status& status)
{
  const std::lock_guard lock{mutex_};
  reasons_.insert_or_assign("fd:" + std::to_string(fd), status);
}

grpc::ServerGenericBidiReactor* RefusalService::CreateReactor(
    grpc::GenericCallbackServerContext* context)
{
  grpc::Status status{grpc::StatusCode::PERMISSION_DENIED, "you may not control slopnd"};
  {
    const std::lock_guard lock{mutex_};
    if (const auto found = reasons_.find(context->peer()); found != reasons_.end()) {
      status = found->second;
    }
  }
  return std::make_unique<RefusedCall>(status).release();  // gRPC's OnDone ends it
}

}  // namespace slopn::control
