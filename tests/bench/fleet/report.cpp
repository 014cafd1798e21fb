#include "tests/bench/fleet/report.hpp"

#include <array>
#include <cstdarg>
#include <cstdio>

namespace slopn::fleet {
namespace {

[[gnu::format(printf, 1, 2)]] std::string text(const char* format, ...)
{
  std::array<char, 512> out{};
  std::va_list values;
  va_start(values, format);
  std::vsnprintf(out.data(), out.size(), format, values);
  va_end(values);
  return out.data();
}

double ratio(double value, double by) noexcept
{
  return by > 0 ? value / by : 0;
}

double per_second(const Opening& opening) noexcept
{
  return ratio(static_cast<double>(opening.opened), opening.seconds);
}

double per_cpu_second(const Opening& opening) noexcept
{
  return ratio(static_cast<double>(opening.opened), opening.gateway_cpu_s);
}

double kib_per_session(const Figures& figures) noexcept
{
  if (!figures.gateway_before || !figures.gateway_idle || !figures.idle) return 0;
  return ratio(static_cast<double>(figures.gateway_idle->rss_kib) -
                   static_cast<double>(figures.gateway_before->rss_kib),
               static_cast<double>(figures.idle->sessions_after));
}

double idle_share_of_core(const Idling& idle) noexcept
{
  return 100 * ratio(idle.gateway_cpu_s, idle.seconds);
}

std::string opening_text(const char* name, const Opening& opening)
{
  std::string out = text("%-9s %zu sessions in %.2f s: %.0f handshakes/s", name, opening.opened,
                         opening.seconds, per_second(opening));
  if (opening.gateway_cpu_s > 0)
    out += text(", %.0f per CPU second of the gateway (%.2f s)", per_cpu_second(opening),
                opening.gateway_cpu_s);
  out += text("; median %.1f ms, 99%% %.1f ms\n", opening.median_ms, opening.p99_ms);
  for (const auto& [reason, count] : opening.failures)
    out += text("          %zu failed: %.300s\n", count, reason.c_str());
  return out;
}

std::string opening_json(const Opening& opening)
{
  std::size_t failed = 0;
  for (const auto& [reason, count] : opening.failures) failed += count;
  return text(
      "{\"opened\": %zu, \"failed\": %zu, \"seconds\": %.3f, "
      "\"handshakes_per_s\": %.1f, \"gateway_cpu_s\": %.3f, \"handshakes_per_cpu_s\": %.1f, "
      "\"median_ms\": %.2f, \"p99_ms\": %.2f}",
      opening.opened, failed, opening.seconds, per_second(opening), opening.gateway_cpu_s,
      per_cpu_second(opening), opening.median_ms, opening.p99_ms);
}

}  // namespace

std::string to_text(const Figures& figures)
{
  std::string out =
      text("agreed    %s, %s\n", figures.key_exchange_group.c_str(), figures.cipher.c_str());
  out += opening_text("open", figures.opening);
  if (figures.idle) {
    out += text("idle      %zu sessions before, %zu after %.0f s", figures.idle->sessions_before,
                figures.idle->sessions_after, figures.idle->seconds);
    if (figures.gateway_before)
      out += text("; gateway: %.2f %% of a core", idle_share_of_core(*figures.idle));
    out += "\n";
  }
  if (figures.gateway_before && figures.gateway_idle)
    out +=
        text("memory    RSS %.1f MiB (PSS %.1f), %.1f without sessions: %.1f KiB a session\n",
             static_cast<double>(figures.gateway_idle->rss_kib) / 1024,
             static_cast<double>(figures.gateway_idle->pss_kib) / 1024,
             static_cast<double>(figures.gateway_before->rss_kib) / 1024, kib_per_session(figures));
  if (figures.again) out += opening_text("again", *figures.again);
  return out;
}

std::string to_json(const Figures& figures)
{
  std::string out = text("{\"group\": \"%s\", \"cipher\": \"%s\",\n \"open\": ",
                         figures.key_exchange_group.c_str(), figures.cipher.c_str());
  out += opening_json(figures.opening);
  if (figures.again) out += ",\n \"again\": " + opening_json(*figures.again);
  if (figures.idle)
    out += text(",\n \"idle\": {\"sessions\": %zu, \"seconds\": %.1f, \"core_percent\": %.3f}",
                figures.idle->sessions_after, figures.idle->seconds,
                idle_share_of_core(*figures.idle));
  if (figures.gateway_before && figures.gateway_idle)
    out += text(
        ",\n \"memory\": {\"rss_kib\": %llu, \"pss_kib\": %llu, \"rss_kib_before\": %llu, "
        "\"kib_per_session\": %.2f}",
        static_cast<unsigned long long>(figures.gateway_idle->rss_kib),
        static_cast<unsigned long long>(figures.gateway_idle->pss_kib),
        static_cast<unsigned long long>(figures.gateway_before->rss_kib), kib_per_session(figures));
  return out + "}\n";
}

}  // namespace slopn::fleet
