#include "daemon/control/audit_log.hpp"

#include <string>
#include <utility>

namespace slopn::control {
namespace {

constexpr auto kWindow = std::chrono::seconds{10};
constexpr std::uint32_t kRefusedPerWindow = 20;

std::shared_ptr<spdlog::logger> make_log(const spdlog::logger& log)
{
  auto audit = std::make_shared<spdlog::logger>("audit", log.sinks().begin(), log.sinks().end());
  audit->set_level(spdlog::level::info);
  audit->flush_on(spdlog::level::info);
  return audit;
}

}  // namespace

AuditLog::AuditLog(const spdlog::logger& log, EventHub& events)
    : log_(make_log(log)), events_(events)
{
}

void AuditLog::write(const AuditEntry& entry)
{
  log_->info("audit: uid={} pid={} call={}{}{} result={}", entry.uid, entry.pid, entry.method,
             entry.argument.empty() ? "" : " ", entry.argument, entry.result);
  events_.publish(entry);
}

void AuditLog::write_refused(const AuditEntry& entry, Clock::time_point now)
{
  if (now >= window_end_) {
    window_end_ = now + kWindow;
    refused_in_window_ = 0;
  }
  if (refused_in_window_ >= kRefusedPerWindow) {
    ++unwritten_;
    return;
  }
  ++refused_in_window_;
  if (const auto count = std::exchange(unwritten_, 0); count > 0)
    log_->info("audit: {} more calls were refused", count);
  write(entry);
}

}  // namespace slopn::control
