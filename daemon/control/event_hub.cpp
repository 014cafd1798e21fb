#include "daemon/control/event_hub.hpp"

#include <algorithm>
#include <random>

#include "daemon/control/messages.hpp"
#include "daemon/control/stream_call.hpp"
#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/overloaded.hpp"
#include "libtunnel/base/text.hpp"
#include "slopn/control/v1/control.pb.h"

namespace slopn::control {
namespace {

std::string new_run_id()
{
  std::random_device source;  // the kernel's
  std::array<std::uint32_t, 4> words{};
  for (auto& word : words) word = source();
  return to_hex(std::as_bytes(std::span{words}));
}

void fill(v1::Event& message, const daemon::NetworkChanged& event)
{
  auto& out = *message.mutable_network_changed();
  out.set_description(printable(event.description));
  out.set_usable(event.usable);
}

void fill(v1::Event& message, const daemon::PathChanged& event)
{
  auto& out = *message.mutable_path_changed();
  out.set_local(event.local);
  out.set_remote(event.remote);
}

void fill(v1::Event& message, const daemon::ClockJumped& event)
{
  auto& out = *message.mutable_clock_jumped();
  out.set_milliseconds(event.by.count());
  out.set_suspended(event.suspended);
}

void fill(v1::Event& message, const daemon::ProfileChanged& event)
{
  auto& out = *message.mutable_profile_changed();
  out.set_name(printable(event.name));
  out.set_removed(event.removed);
}

void fill(v1::Event& message, const daemon::SettingsChanged& event)
{
  auto& out = *message.mutable_settings_changed();
  for (const auto& key : event.keys) out.add_keys(printable(key));
}

void fill(v1::Event& message, const daemon::SessionChanged& event)
{
  auto& out = *message.mutable_session_changed();
  out.set_id(event.id);
  out.set_client(printable(event.client));
  out.set_ended(event.ended);
  out.set_reason(printable(event.reason));
}

/// "connecting": the name of the field that is set.
std::string state_name(const v1::ClientStatus& status)
{
  const auto* field = v1::ClientStatus::descriptor()->FindFieldByNumber(status.state_case());
  return field == nullptr ? std::string{} : field->name();
}

v1::WatchEventsResponse response_for(const v1::Event& event, daemon::Role role)
{
  v1::WatchEventsResponse response;
  auto& out = *response.mutable_event();
  if (event.has_audited() && role < daemon::Role::admin) {
    out.set_sequence(event.sequence());
    *out.mutable_time() = event.time();
  } else {
    out = event;
  }
  return response;
}

}  // namespace

EventHub::EventHub(EventLimits limits) : limits_(limits), run_id_(new_run_id()) {}
EventHub::~EventHub() = default;

void EventHub::publish(daemon::Event event)
{
  v1::Event message;
  std::visit([&](const auto& one) { fill(message, one); }, event);
  publish(std::move(message));
}

void EventHub::publish(const AuditEntry& entry)
{
  v1::Event message;
  auto& out = *message.mutable_audited();
  out.set_uid(entry.uid);
  out.set_pid(entry.pid);
  out.set_method(entry.method);
  out.set_detail(entry.argument);
  out.set_result(entry.result);
  publish(std::move(message));
}

void EventHub::on_status(const daemon::Status& status)
{
  if (!std::holds_alternative<daemon::ClientStatus>(status)) return;
  const v1::ClientStatus now = to_message(status).client();
  auto without_counters = std::make_unique<v1::ClientStatus>(now);
  without_counters->clear_traffic();
  without_counters->clear_smoothed_rtt();
  const auto before = std::exchange(status_, std::move(without_counters));
  if (!before || before->SerializeAsString() == status_->SerializeAsString()) return;

  v1::Event message;
  auto& out = *message.mutable_state_changed();
  out.set_from(state_name(*before));
  *out.mutable_status() = now;
  publish(std::move(message));
}

void EventHub::publish(v1::Event event)
{
  event.set_sequence(++latest_);
  *event.mutable_time() = to_timestamp(daemon::WallClock::now());
  std::erase_if(readers_, [](const auto& reader) { return reader.call->ended(); });
  for (const auto& reader : readers_) reader.call->push(response_for(event, reader.role));
  remember(std::make_shared<const v1::Event>(std::move(event)));
}

void EventHub::remember(std::shared_ptr<const v1::Event> event)
{
  past_bytes_ += event->ByteSizeLong();
  past_.push_back(std::move(event));
  while (past_.size() > 1 && (past_.size() > limits_.events || past_bytes_ > limits_.bytes)) {
    past_bytes_ -= past_.front()->ByteSizeLong();
    past_.pop_front();
  }
}

void EventHub::watch(const std::shared_ptr<EventCall>& call, const v1::WatchEventsRequest& request,
                     daemon::Role role)
{
  v1::WatchEventsResponse first;
  first.set_run_id(run_id_);
  first.set_latest_sequence(latest_);
  call->push(std::move(first));

  // A number from another run means nothing here, and one that is still to come is from another run.
  const bool of_this_run = (request.run_id().empty() || request.run_id() == run_id_) &&
                           request.after_sequence() <= latest_;
  std::uint64_t sent = latest_;
  if (request.has_after_sequence()) sent = of_this_run ? request.after_sequence() : 0;
  for (const auto& event : past_) {
    if (event->sequence() <= sent) continue;
    auto response = response_for(*event, role);
    response.set_missed(event->sequence() - sent - 1);
    sent = event->sequence();
    call->push(std::move(response));
  }
  readers_.push_back({call, role});
}

void EventHub::clear()
{
  readers_.clear();
}

}  // namespace slopn::control
