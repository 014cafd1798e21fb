#include "daemon/control/calls.hpp"

#include <utility>

#include "daemon/control/error_status.hpp"

namespace slopn::control {

grpc::Status stopping_status()
{
  v1::ErrorDetail detail;
  detail.set_message("slopnd is stopping");
  detail.set_remedy("try again when it has started");
  return to_status(grpc::StatusCode::UNAVAILABLE, detail);
}

grpc::Status OpenCalls::add(std::shared_ptr<OpenCall> call)
{
  const std::lock_guard lock{mutex_};
  if (ended_) return stopping_status();
  if (calls_.size() >= limit_) {
    v1::ErrorDetail detail;
    detail.set_message("slopnd answers " + std::to_string(limit_) + " calls already");
    detail.set_remedy("try again later");
    return to_status(grpc::StatusCode::RESOURCE_EXHAUSTED, detail);
  }
  calls_.insert(std::move(call));
  return grpc::Status::OK;
}

void OpenCalls::remove(const std::shared_ptr<OpenCall>& call)
{
  const std::lock_guard lock{mutex_};
  calls_.erase(call);
}

void OpenCalls::end_all()
{
  std::unordered_set<std::shared_ptr<OpenCall>> ending;
  {
    const std::lock_guard lock{mutex_};
    ended_ = true;
    ending.swap(calls_);
  }
  // Outside the lock: gRPC may call back at once, and that ends in remove().
  for (const auto& call : ending) call->end(stopping_status());
}

}  // namespace slopn::control
