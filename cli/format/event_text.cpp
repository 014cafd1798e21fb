#include "cli/format/event_text.hpp"

#include "cli/format/json.hpp"
#include "cli/format/status_text.hpp"
#include "cli/format/values.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

std::string missed_text(std::uint64_t count, const char* one, const char* many)
{
  return "... " + human_count(count) + ' ' + (count == 1 ? one : many) + " missed\n";
}

std::string state_text(const v1::Event& event, const Style& style)
{
  v1::Status status;
  *status.mutable_client() = event.state_changed().status();
  return status_line(status, style, to_time(event.time()));
}

std::string session_text(const v1::Event::SessionChanged& session)
{
  const std::string who =
      "session " + std::to_string(session.id()) + " of " + printable(session.client());
  if (!session.ended()) return who + " began";
  return who + " ended" + (session.reason().empty() ? "" : ": " + printable(session.reason()));
}

std::string clock_text(const v1::Event::ClockJumped& jump)
{
  const auto ms = jump.milliseconds();
  const std::chrono::milliseconds size{ms < 0 ? -(ms + 1) : ms};  // the smallest has no opposite
  const std::string far = size < std::chrono::seconds{10}
                              ? human_latency(size)
                              : human_duration(std::chrono::floor<std::chrono::seconds>(size));
  return jump.suspended()
             ? "the host slept, for " + far
             : std::string{"the clock was put "} + (ms < 0 ? "back" : "forward") + " by " + far;
}

std::string audit_text(const v1::Event::Audited& call)
{
  std::string text = "uid " + std::to_string(call.uid()) + " (process " +
                     std::to_string(call.pid()) + ") called " + printable(call.method());
  if (!call.detail().empty()) text += " " + printable(call.detail());
  return text + ": " + printable(call.result());
}

std::string keys_text(const v1::Event::SettingsChanged& change)
{
  std::string keys;
  for (const auto& key : change.keys()) keys += (keys.empty() ? "" : ", ") + printable(key);
  return "settings changed: " + keys;
}

std::string kind_text(const v1::Event& event, const Style& style)
{
  switch (event.kind_case()) {
    case v1::Event::kStateChanged:
      return state_text(event, style);
    case v1::Event::kNetworkChanged:
      return "network: " + printable(event.network_changed().description()) +
             (event.network_changed().usable() ? "" : " (no way to the gateway)");
    case v1::Event::kPathChanged:
      return "path: now from " + printable(event.path_changed().local()) + " to " +
             printable(event.path_changed().remote());
    case v1::Event::kClockJumped:
      return clock_text(event.clock_jumped());
    case v1::Event::kAudited:
      return audit_text(event.audited());
    case v1::Event::kProfileChanged:
      return "profile " + printable(event.profile_changed().name()) +
             (event.profile_changed().removed() ? " removed" : " stored");
    case v1::Event::kSettingsChanged:
      return keys_text(event.settings_changed());
    case v1::Event::kSessionChanged:
      return session_text(event.session_changed());
    case v1::Event::KIND_NOT_SET:
      break;
  }
  return {};  // of a newer slopnd, or not for our role
}

std::string level_text(v1::LogLevel level, const Style& style)
{
  std::string name = level_name(level);
  name.resize(5, ' ');
  switch (level) {
    case v1::LOG_LEVEL_DEBUG:
      return style.faint(name);
    case v1::LOG_LEVEL_WARN:
      return style.warn(name);
    case v1::LOG_LEVEL_ERROR:
      return style.bad(name);
    default:
      return name;
  }
}

}  // namespace

std::string event_text(const v1::WatchEventsResponse& item, const Style& style)
{
  std::string text;
  if (item.missed() > 0) text = style.faint(missed_text(item.missed(), "event", "events"));
  const v1::Event& event = item.event();
  const std::string what = kind_text(event, style);
  if (what.empty()) {
    if (!text.empty()) text.pop_back();
    return text;
  }
  return text +
         style.faint(local_time(to_time(event.time())) + "  " + std::to_string(event.sequence())) +
         "  " + what;
}

std::string log_text(const v1::WatchLogsResponse& line, const Style& style)
{
  std::string text;
  if (line.missed() > 0) text = missed_text(line.missed(), "line", "lines");
  return text + style.faint(local_time(to_time(line.time()))) + "  " +
         level_text(line.level(), style) + "  " + printable(line.message());
}

}  // namespace slopn::cli
