#include "daemon/control/status_hub.hpp"

#include <utility>

#include "daemon/control/messages.hpp"

namespace slopn::control {

void StatusHub::add(std::shared_ptr<StatusCall> call)
{
  forget_ended();
  if (!subscription_) subscription_ = commands_.on_status_change([this] { on_change(); });
  v1::WatchStatusResponse response;
  *response.mutable_status() = to_message(commands_.status());
  call->push(std::move(response));
  calls_.push_back(std::move(call));
}

void StatusHub::clear()
{
  subscription_.reset();
  calls_.clear();
}

void StatusHub::on_change()
{
  forget_ended();
  if (calls_.empty()) return;
  v1::WatchStatusResponse response;
  *response.mutable_status() = to_message(commands_.status());
  for (const auto& call : calls_) call->push(response);
}

void StatusHub::forget_ended()
{
  std::erase_if(calls_, [](const auto& call) { return call->ended(); });
}

}  // namespace slopn::control
