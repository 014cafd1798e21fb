#include <cmath>
#include <memory>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/daemon_link.hpp"
#include "cli/format/measurements.hpp"
#include "cli/measure/echo_client.hpp"
#include "cli/measure/interrupts.hpp"

namespace slopn::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLastWait{2'000};

struct PingOptions {
  unsigned count = 0;
  double interval_s = 1;
};

/// One series of echoes.
class Ping {
 public:
  Ping(const Console& console, const MeasureTarget& target, EchoClient client,
       const Interrupts& interrupts)
      : console_(console), target_(target), client_(std::move(client)), interrupts_(interrupts)
  {
  }

  void run(const PingOptions& options)
  {
    const milliseconds interval{std::llround(options.interval_s * 1000)};
    auto due = steady_clock::now();
    for (unsigned sent = 0; !over(); due += interval) {
      client_.send();
      if (++sent == options.count) return take_last();
      take_until(due + interval);
    }
  }

  [[nodiscard]] PingResult result() const
  {
    return {target_.gateway.to_string(), target_.interface_name, client_.log().result()};
  }

 private:
  // Somebody pressed Ctrl-C, or nobody reads what we print.
  [[nodiscard]] bool over() const { return interrupts_.pending() || !console_.out.good(); }

  void take_until(steady_clock::time_point deadline)
  {
    while (!over() && steady_clock::now() < deadline) take(deadline);
  }

  void take_last()
  {
    const auto deadline = steady_clock::now() + kLastWait;
    while (!over() && !client_.log().all_answered() && steady_clock::now() < deadline)
      take(deadline);
  }

  void take(steady_clock::time_point deadline)
  {
    const auto reply = client_.wait(deadline, interrupts_.fd());
    if (!reply || console_.json()) return;
    console_.out << reply_line(target_.gateway.address.to_string(), *reply) << std::endl;
  }

  const Console& console_;
  const MeasureTarget& target_;
  EchoClient client_;
  const Interrupts& interrupts_;
};

Outcome<ExitCode> ping(const Console& console, const PingOptions& options)
{
  const Interrupts interrupts;
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto response =
      call(link->control(), &v1::Control::Stub::GetStatus, v1::GetStatusRequest{});
  if (!response) return response.error();
  const auto target = measure_target(response->status());
  if (!target) return target.error();
  auto client = EchoClient::open(*target);
  if (!client) return client.error();

  if (!console.json()) {
    console.out << "pinging " << target->gateway.to_string() << " through "
                << target->interface_name << std::endl;
  }
  Ping series{console, *target, std::move(*client), interrupts};
  series.run(options);
  const PingResult result = series.result();
  if (console.json()) {
    console.print(to_json(result));
  } else {
    console.out << ping_text(result, console.out_style);
  }
  return result.echoes.received > 0 ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_ping(Group top)
{
  auto verb = top.verb<PingOptions>(
      "ping", "Measure the round trip through the tunnel to its gateway", ping);
  verb.number("-c,--count", verb->count, "COUNT", "How many; 0: until interrupted (Ctrl-C)", 0U,
              1'000'000U)
      ->capture_default_str();
  verb.number("-i,--interval", verb->interval_s, "SECONDS", "From one to the next", 0.01, 3600.0)
      ->capture_default_str();
  verb.explain({.section = "Watching",
                .examples = {"slopnctl ping", "slopnctl ping -c 100 -i 0.1",
                             "slopnctl ping -c 10 --json | jq .latency_us.avg"},
                .exits = "0 something was answered, 1 nothing was, 5 not connected"});
}

}  // namespace slopn::cli
