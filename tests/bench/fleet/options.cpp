#include "tests/bench/fleet/options.hpp"

#include <CLI/CLI.hpp>

namespace slopn::fleet {
namespace {

constexpr const char* kAbout =
    "Opens many tunnels to one gateway and says what that costs the gateway.\n"
    "Each client has its own Ed25519 key and UDP socket and proves itself like slopnd does; it "
    "has\n"
    "no TUN. tests/bench/fleet.sh makes a gateway for it.";
constexpr const char* kExamples =
    "Examples:\n"
    "  fleet --clients 10000 --write-clients /tmp/state/clients.toml\n"
    "      the access list for that many clients; goes into the gateway's state_dir\n"
    "  fleet --gateway 198.18.0.1:443 --pin sha256:... --clients 10000 --hold 30 --pid 4242\n"
    "      opens 10,000 sessions and watches process 4242 for 30 s while they are idle\n"
    "  fleet --gateway 198.18.0.1:443 --pin sha256:... --clients 2000 --reconnect --json out.json\n"
    "      handshakes per second, and again when the gateway knows all clients and their addresses";

}  // namespace

Parsed parse_options(int argc, const char* const* argv)
{
  Options options;
  std::string gateway;
  std::string pin;
  std::size_t hold_s = 0;
  std::size_t keep_alive_s = 10;

  CLI::App app{kAbout, "fleet"};
  app.footer(kExamples);
  app.add_option("--gateway", gateway, "ADDRESS:PORT of the gateway");
  app.add_option("--pin", pin, "pin of the gateway's certificate (slopnctl status shows it)");
  app.add_option("--clients", options.clients, "how many sessions to open")
      ->capture_default_str()
      ->check(CLI::Range(1, 60'000));
  app.add_option("--concurrency", options.concurrency, "unfinished handshakes at a time")
      ->capture_default_str()
      ->check(CLI::Range(1, 60'000));
  app.add_option("--rate", options.rate_per_s, "handshakes begun a second; 0: no limit")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e6));
  app.add_option("--hold", hold_s, "seconds for which all sessions stay open and idle")
      ->capture_default_str()
      ->check(CLI::Range(0, 86'400));
  app.add_option("--keep-alive", keep_alive_s, "seconds of silence before a PING; 0: none")
      ->capture_default_str()
      ->check(CLI::Range(0, 3'600));
  app.add_flag("--reconnect", options.reconnect, "close all, then open all again");
  app.add_option("--pid", options.gateway_pid, "the gateway's process: measure it");
  app.add_option("--json", options.json_path, "write the figures to this file, too");
  app.add_option("--write-clients", options.write_clients,
                 "write the access list for --clients, and do nothing else");
  try {
    app.parse(argc, argv);
    options.hold = std::chrono::seconds{hold_s};
    options.keep_alive = std::chrono::seconds{keep_alive_s};
    if (options.write_clients) return {options, 0};
    const auto endpoint = UdpEndpoint::parse(gateway);
    if (!endpoint) throw CLI::ValidationError{"--gateway", "must be ADDRESS:PORT"};
    options.gateway = *endpoint;
    const auto parsed_pin = crypto::SpkiPin::parse(pin);
    if (!parsed_pin) throw CLI::ValidationError{"--pin", "must be sha256:..."};
    options.pin = *parsed_pin;
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, app.exit(error) == 0 ? 0 : 2};
  }
  return {options, 0};
}

}  // namespace slopn::fleet
