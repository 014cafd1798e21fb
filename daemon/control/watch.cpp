#include "daemon/control/watch.hpp"

#include <utility>

#include "daemon/control/messages.hpp"

namespace slopn::control {

void WatchQueue::push(v1::Status status)
{
  if (waiting_.size() >= limit_) {
    waiting_.pop_front();
    ++missed_;
  }
  waiting_.push_back(std::move(status));
}

std::optional<v1::WatchStatusResponse> WatchQueue::pop()
{
  if (waiting_.empty()) return std::nullopt;
  v1::WatchStatusResponse response;
  *response.mutable_status() = std::move(waiting_.front());
  waiting_.pop_front();
  response.set_missed(std::exchange(missed_, 0));
  return response;
}

std::shared_ptr<WatchCall> WatchCall::start(std::size_t pending_states,
                                            std::function<void(std::shared_ptr<WatchCall>)> on_done)
{
  std::shared_ptr<WatchCall> call{new WatchCall(pending_states, std::move(on_done))};
  call->self_ = call;
  return call;
}

void WatchCall::push(const v1::Status& status)
{
  {
    const std::lock_guard lock{mutex_};
    if (end_) return;
    queue_.push(status);
    if (writing_) return;
    writing_ = true;
    writing_now_ = *queue_.pop();
  }
  StartWrite(&writing_now_);
}

void WatchCall::end(const grpc::Status& status)
{
  {
    const std::lock_guard lock{mutex_};
    if (end_) return;
    end_ = status;
    if (writing_) return;
  }
  Finish(status);
}

bool WatchCall::ended() const
{
  const std::lock_guard lock{mutex_};
  return end_.has_value();
}

void WatchCall::OnWriteDone(bool ok)
{
  std::optional<grpc::Status> finish;
  {
    const std::lock_guard lock{mutex_};
    if (!ok && !end_) end_ = grpc::Status::CANCELLED;
    finish = end_;
    auto next = end_ ? std::nullopt : queue_.pop();
    writing_ = next.has_value();
    if (!finish && !next) return;
    if (next) writing_now_ = std::move(*next);
  }
  if (finish) {
    Finish(*finish);
  } else {
    StartWrite(&writing_now_);
  }
}

void WatchCall::OnCancel()
{
  end(grpc::Status::CANCELLED);
}

void WatchCall::OnDone()
{
  auto self = std::move(self_);
  if (on_done_) std::exchange(on_done_, nullptr)(std::move(self));
}

void WatchHub::add(std::shared_ptr<WatchCall> call)
{
  forget_ended();
  if (!subscription_) subscription_ = commands_.on_status_change([this] { on_change(); });
  call->push(to_message(commands_.status()));
  calls_.push_back(std::move(call));
}

void WatchHub::clear()
{
  subscription_.reset();
  calls_.clear();
}

void WatchHub::on_change()
{
  forget_ended();
  if (calls_.empty()) return;
  const v1::Status status = to_message(commands_.status());
  for (const auto& call : calls_) call->push(status);
}

void WatchHub::forget_ended()
{
  std::erase_if(calls_, [](const auto& call) { return call->ended(); });
}

}  // namespace slopn::control
