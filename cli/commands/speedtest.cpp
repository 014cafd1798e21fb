#include <memory>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/daemon_link.hpp"
#include "cli/format/measurements.hpp"
#include "cli/measure/echo_client.hpp"
#include "cli/measure/load.hpp"

namespace slopn::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A second of silence, then dense enough for a 99th percentile after some seconds.
constexpr unsigned kIdleEchoes = 20;
constexpr milliseconds kIdleInterval{50};
constexpr milliseconds kLoadInterval{20};

struct SpeedOptions {
  unsigned seconds = 10;
  unsigned streams = 4;
  bool upload_only = false;
  bool download_only = false;
};

Outcome<DirectionResult> measure_direction(const Console& console, const MeasureTarget& target,
                                           const LoadOrder& order)
{
  auto echoes = EchoClient::open(target);
  if (!echoes) return echoes.error();
  const char* const name = order.direction == measure::Direction::down ? "download" : "upload";
  EchoProbe probe{std::move(*echoes), kLoadInterval};
  const auto load = run_load(target, order, [&](seconds at, std::uint64_t rate_bits_per_s) {
    console.progress(console.err_style.faint(std::to_string(at.count()) + " s  " + name) + "  " +
                     rate_text(rate_bits_per_s));
  });
  if (!load) return load.error();
  return DirectionResult{*load, probe.finish()};
}

Outcome<EchoResult> measure_idle(const MeasureTarget& target)
{
  auto echoes = EchoClient::open(target);
  if (!echoes) return echoes.error();
  return measure_echoes(std::move(*echoes), kIdleEchoes, kIdleInterval);
}

Outcome<SpeedResult> measure(const Console& console, const MeasureTarget& target,
                             const SpeedOptions& options)
{
  console.progress("measuring with " + target.gateway.to_string() + " through " +
                   target.interface_name);
  SpeedResult result;
  result.gateway = target.gateway.to_string();
  result.interface_name = target.interface_name;
  result.streams = options.streams;
  auto idle = measure_idle(target);
  if (!idle) return idle.error();
  result.idle = *idle;
  LoadOrder order{measure::Direction::down, options.streams, seconds{options.seconds}};
  if (!options.upload_only) {
    auto download = measure_direction(console, target, order);
    if (!download) return download.error();
    result.download = *download;
  }
  order.direction = measure::Direction::up;
  if (!options.download_only) {
    auto upload = measure_direction(console, target, order);
    if (!upload) return upload.error();
    result.upload = *upload;
  }
  return result;
}

Outcome<ExitCode> speedtest(const Console& console, const SpeedOptions& options)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto response =
      call(link->control(), &v1::Control::Stub::GetStatus, v1::GetStatusRequest{});
  if (!response) return response.error();
  const auto target = measure_target(response->status());
  if (!target) return target.error();
  const auto result = measure(console, *target, options);
  if (!result) return result.error();
  if (console.json()) {
    console.print(to_json(*result));
  } else {
    console.out << speed_text(*result, console.out_style);
  }
  return ExitCode::ok;
}

}  // namespace

void add_speedtest(Group top)
{
  auto verb = top.verb<SpeedOptions>(
      "speedtest", "Measure throughput and latency of the tunnel, against its gateway", speedtest);
  constexpr auto kMostSeconds = static_cast<unsigned>(measure::kMaxDuration.count() / 1000);
  verb.number("-t,--seconds", verb->seconds, "N", "How long to measure each direction", 1U,
              kMostSeconds)
      ->capture_default_str();
  verb.number("-n,--streams", verb->streams, "N", "TCP connections at the same time", 1U,
              unsigned{measure::kMaxStreams})
      ->capture_default_str();
  auto* up = verb.flag("--upload-only", verb->upload_only, "Only towards the gateway");
  verb.flag("--download-only", verb->download_only, "Only from the gateway")->excludes(up);
  verb.explain(
      {.section = "Watching",
       .examples = {"slopnctl speedtest", "slopnctl speedtest --seconds 5 --streams 1",
                    "slopnctl speedtest --download-only --json | jq .download.rate_bits_per_s"},
       .notes = "Echoes run beside each load: how much their latency grows is what calls and games "
                "feel.",
       .exits =
           "0 measured, 5 not connected, 1 anything else, such as a gateway that offers none"});
}

}  // namespace slopn::cli
