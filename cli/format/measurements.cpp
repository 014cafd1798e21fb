#include "cli/format/measurements.hpp"

#include <array>
#include <cstdio>

#include "cli/format/table.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

std::string fixed(double value, int digits)
{
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return {text.data(), static_cast<std::size_t>(size)};
}

double lost_percent(const EchoResult& echoes)
{
  if (echoes.sent == 0) return 0;
  return 100.0 * static_cast<double>(echoes.lost()) / static_cast<double>(echoes.sent);
}

std::string percent_text(double percent)
{
  return fixed(percent, percent == 0 || percent == 100 ? 0 : 1) + "%";
}

std::string latency_text(const EchoResult& echoes)
{
  std::string text = "no answers";
  if (echoes.latency) {
    text = "median " + milliseconds_text(echoes.latency->median) + ", 99% within " +
           milliseconds_text(echoes.latency->p99);
  }
  return text + ", lost " + std::to_string(echoes.lost()) + " of " + std::to_string(echoes.sent);
}

Json latency_json(const std::optional<LatencySummary>& latency)
{
  if (!latency) return nullptr;
  return {{"min", latency->min.count()},       {"avg", latency->average.count()},
          {"median", latency->median.count()}, {"p99", latency->p99.count()},
          {"max", latency->max.count()},       {"mdev", latency->deviation.count()}};
}

void add(Json& out, const EchoResult& echoes)
{
  out["latency_us"] = latency_json(echoes.latency);
  out["packets_sent"] = echoes.sent;
  out["packets_lost"] = echoes.lost();
}

Json to_json(const std::optional<DirectionResult>& direction)
{
  if (!direction) return nullptr;
  Json out{{"rate_bits_per_s", direction->load.rate_bits_per_s},
           {"bytes", direction->load.bytes},
           {"duration_ms", direction->load.elapsed.count() / 1000}};
  add(out, direction->echoes);
  return out;
}

}  // namespace

std::string rate_text(std::uint64_t bits_per_s)
{
  const double mbit = static_cast<double>(bits_per_s) / 1e6;
  return fixed(mbit, mbit < 10 ? 2 : 1) + " Mbit/s";
}

std::string milliseconds_text(std::chrono::microseconds time)
{
  const double ms = static_cast<double>(time.count()) / 1e3;
  return fixed(ms, ms < 10 ? 3 : ms < 100 ? 2 : 1) + " ms";
}

std::string reply_line(const std::string& address, const EchoLog::Reply& reply)
{
  return "reply from " + printable(address) + ": seq=" + std::to_string(reply.sequence) +
         " time=" + milliseconds_text(reply.round_trip);
}

std::string ping_text(const PingResult& result, const Style& style)
{
  const EchoResult& echoes = result.echoes;
  const std::string lost = percent_text(lost_percent(echoes)) + " lost";
  std::string text = std::to_string(echoes.sent) + " sent, " + std::to_string(echoes.received) +
                     " received, " + (echoes.lost() == 0 ? lost : style.warn(lost)) + '\n';
  if (!echoes.latency) return text;
  const LatencySummary& latency = *echoes.latency;
  const auto ms = [](std::chrono::microseconds time) {
    return fixed(static_cast<double>(time.count()) / 1e3, 3);
  };
  return text + "round trip min/avg/max/mdev = " + ms(latency.min) + "/" + ms(latency.average) +
         "/" + ms(latency.max) + "/" + ms(latency.deviation) + " ms\n";
}

Json to_json(const PingResult& result)
{
  Json out{{"gateway", result.gateway}, {"interface_name", result.interface_name}};
  add(out, result.echoes);
  return out;
}

std::string speed_text(const SpeedResult& result, const Style& style)
{
  std::vector<std::pair<std::string_view, std::string>> rows;
  if (result.download) {
    rows.emplace_back("download", style.strong(rate_text(result.download->load.rate_bits_per_s)));
  }
  if (result.upload) {
    rows.emplace_back("upload", style.strong(rate_text(result.upload->load.rate_bits_per_s)));
  }
  rows.emplace_back("latency idle", latency_text(result.idle));
  if (result.download) rows.emplace_back("latency down", latency_text(result.download->echoes));
  if (result.upload) rows.emplace_back("latency up", latency_text(result.upload->echoes));
  return details(rows, style);
}

Json to_json(const SpeedResult& result)
{
  Json idle = Json::object();
  add(idle, result.idle);
  return {{"gateway", result.gateway},
          {"interface_name", result.interface_name},
          {"streams", result.streams},
          {"idle", idle},
          {"download", to_json(result.download)},
          {"upload", to_json(result.upload)}};
}

}  // namespace slopn::cli
