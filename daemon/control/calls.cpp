#include "daemon/control/calls.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "daemon/control/error_status.hpp"

namespace slopn::control {
namespace {

grpc::Status too_many(const std::string& what, const std::string& remedy)
{
  v1::ErrorDetail detail;
  detail.set_reason(v1::ERROR_REASON_BUSY);
  detail.set_message(what);
  detail.set_remedy(remedy);
  return to_status(grpc::StatusCode::RESOURCE_EXHAUSTED, detail);
}

}  // namespace

grpc::Status stopping_status()
{
  v1::ErrorDetail detail;
  detail.set_message("slopnd is stopping");
  detail.set_remedy("try again when it has started");
  return to_status(grpc::StatusCode::UNAVAILABLE, detail);
}

grpc::Status OpenCalls::why_too_many(const ServedUser& user, CallKind kind) const
{
  if (calls_.size() >= limits_.calls) {
    return too_many("slopnd answers " + std::to_string(limits_.calls) + " calls already",
                    "try again later");
  }
  if (kind == CallKind::unary) return grpc::Status::OK;
  std::size_t of_user = 0;
  std::size_t of_others = 0;
  for (const auto& [call, entry] : calls_) {
    if (entry.kind != CallKind::stream) continue;
    if (entry.user.uid == user.uid) ++of_user;
    if (entry.user.uid != 0) ++of_others;
  }
  if (of_user >= limits_.streams_per_user) {
    return too_many("uid " + std::to_string(user.uid) + " watches " + std::to_string(of_user) +
                        " streams already",
                    "end some and try again");
  }
  // Root is never locked out by others.
  if (user.uid != 0 && of_others >= limits_.streams) {
    return too_many(std::to_string(of_others) + " streams are being watched already",
                    "try again later");
  }
  return grpc::Status::OK;
}

grpc::Status OpenCalls::add(std::shared_ptr<OpenCall> call, const ServedUser& user, CallKind kind)
{
  const std::lock_guard lock{mutex_};
  if (ended_) return stopping_status();
  if (auto refusal = why_too_many(user, kind); !refusal.ok()) return refusal;
  calls_.emplace(std::move(call), Entry{user, kind});
  return grpc::Status::OK;
}

void OpenCalls::remove(const std::shared_ptr<OpenCall>& call)
{
  const std::lock_guard lock{mutex_};
  calls_.erase(call);
}

bool OpenCalls::has_any_of(const ServedUser& user) const
{
  const std::lock_guard lock{mutex_};
  return std::any_of(calls_.begin(), calls_.end(),
                     [&](const auto& item) { return item.second.user == user; });
}

void OpenCalls::end_streams(const std::function<bool(const ServedUser&)>& which,
                            const grpc::Status& status)
{
  std::vector<std::shared_ptr<OpenCall>> ending;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& [call, entry] : calls_) {
      if (entry.kind == CallKind::stream && which(entry.user)) ending.push_back(call);
    }
  }
  // Outside the lock: gRPC may call back at once, and that ends in remove().
  for (const auto& call : ending) call->end(status);
}

void OpenCalls::end_all()
{
  std::unordered_map<std::shared_ptr<OpenCall>, Entry> ending;
  {
    const std::lock_guard lock{mutex_};
    ended_ = true;
    ending.swap(calls_);
  }
  for (const auto& [call, entry] : ending) call->end(stopping_status());
}

}  // namespace slopn::control
