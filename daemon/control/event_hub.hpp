#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "daemon/event_sink.hpp"
#include "daemon/model.hpp"
#include "daemon/roles.hpp"

namespace slopn::control {

namespace v1 {
class ClientStatus;
class Event;
class WatchEventsRequest;
class WatchEventsResponse;
}  // namespace v1
template <class Response>
class StreamCall;
using EventCall = StreamCall<v1::WatchEventsResponse>;

/// How much of the past is remembered; the newest event always is.
struct EventLimits {
  std::size_t events = 1024;
  std::size_t bytes = 256 * 1024;
};

/// Who called what, for the audit log.
struct AuditEntry {
  std::uint32_t uid = 0;
  std::int32_t pid = 0;
  std::string method;
  std::string argument;
  std::string result;
};

/// What has happened, and everyone who watches it. Only on the control thread.
///
/// Events are numbered from 1 and a number of them is remembered, so that a reader that comes back
/// can go on where it was. A reader without the role admin gets audited calls without their content:
/// its sequence numbers have no gaps that it is not told of.
class EventHub final : public daemon::EventSink {
 public:
  explicit EventHub(EventLimits limits = {});
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;
  ~EventHub() override;

  void publish(daemon::Event event) override;
  void publish(const AuditEntry& entry);
  /// Publishes a change if `status` is of a client and differs from the one before in more than its
  /// counters. The first one is only remembered.
  void on_status(const daemon::Status& status);

  /// Sends what `request` asks for of the past, and everything to come.
  void watch(const std::shared_ptr<EventCall>& call, const v1::WatchEventsRequest& request,
             daemon::Role role);
  /// Forgets who watches.
  void clear();

  /// Differs with every start of the daemon.
  [[nodiscard]] const std::string& run_id() const noexcept { return run_id_; }

 private:
  struct Reader {
    std::shared_ptr<EventCall> call;
    daemon::Role role;
  };
  void publish(v1::Event event);
  void remember(std::shared_ptr<const v1::Event> event);

  const EventLimits limits_;
  const std::string run_id_;
  std::deque<std::shared_ptr<const v1::Event>> past_;  // in the order of their numbers
  std::size_t past_bytes_ = 0;
  std::uint64_t latest_ = 0;
  std::unique_ptr<v1::ClientStatus> status_;  // the last one, without counters
  std::vector<Reader> readers_;
};

}  // namespace slopn::control
