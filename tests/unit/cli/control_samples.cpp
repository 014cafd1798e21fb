#include "tests/unit/cli/control_samples.hpp"

#include "tests/unit/cli/status_samples.hpp"

namespace slopn::test {
namespace {

v1::Profile profile(const std::string& name)
{
  v1::Profile out;
  out.set_name(name);
  out.set_gateway("vpn.example.org:443");
  out.add_gateways("vpn.example.org:443");
  out.add_gateways("203.0.113.9:443");
  out.set_authentication("concealed");
  out.set_client_key("ed25519:AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfG");
  out.set_gateway_pin("sha256:0123456789abcdef");
  return out;
}

v1::WatchLogsResponse log_line(v1::LogLevel level, const std::string& message)
{
  v1::WatchLogsResponse line;
  line.mutable_time()->set_seconds(kSince);
  line.set_level(level);
  line.set_message(message);
  return line;
}

v1::Finding finding(const std::string& check, v1::Finding::Verdict verdict)
{
  v1::Finding out;
  out.set_check(check);
  out.set_verdict(verdict);
  out.set_summary("what about " + check);
  if (verdict != v1::Finding::VERDICT_GOOD) {
    out.set_detail("net.ipv4.conf.all.rp_filter = 1");
    out.set_fix("sysctl -w net.ipv4.conf.all.rp_filter=2");
  }
  return out;
}

void add_settings(v1::GetSettingsResponse& out)
{
  auto& settings = *out.mutable_settings();
  settings.set_schema_version(1);
  settings.set_auto_connect("home");
  settings.set_lockdown(true);
  settings.set_dns(v1::Settings::DNS_CUSTOM);
  settings.add_dns_servers("10.8.0.1");
  settings.set_mtu_bytes(1400);
  settings.set_protocol(v1::Settings::PROTOCOL_AUTOMATIC);
  settings.add_split_exclude("192.0.2.0/24");
  for (const auto& [key, value] : {std::pair{"auto_connect", "home"},
                                   {"lockdown", "true"},
                                   {"dns.servers", "10.8.0.1"},
                                   {"split.exclude", "192.0.2.0/24"}}) {
    auto& entry = *out.add_entries();
    entry.set_key(key);
    entry.set_value(value);
  }
}

}  // namespace

v1::Event event_sample(std::uint64_t sequence)
{
  v1::Event event;
  event.set_sequence(sequence);
  event.mutable_time()->set_seconds(kSince);
  return event;
}

std::vector<v1::WatchEventsResponse> events_of_every_kind()
{
  std::vector<v1::WatchEventsResponse> items(1);
  items[0].set_run_id("run-1");
  items[0].set_latest_sequence(9);
  const auto add = [&]() -> v1::Event& {
    auto& item = items.emplace_back();
    *item.mutable_event() = event_sample(items.size() - 1);
    return *item.mutable_event();
  };
  auto& state = *add().mutable_state_changed();
  state.set_from("connecting");
  *state.mutable_status() = connected_sample().client();
  auto& network = *add().mutable_network_changed();
  network.set_description("default route now by eth1");
  auto& path = *add().mutable_path_changed();
  path.set_local("192.0.2.7:50000");
  path.set_remote("192.0.2.1:443");
  auto& clock = *add().mutable_clock_jumped();
  clock.set_milliseconds(-3'600'000);
  auto& audit = *add().mutable_audited();
  audit.set_uid(1000);
  audit.set_pid(4711);
  audit.set_method("Connect");
  audit.set_detail("profile=home");
  audit.set_result("OK");
  auto& changed = *add().mutable_profile_changed();
  changed.set_name("home");
  changed.set_removed(true);
  auto& settings = *add().mutable_settings_changed();
  settings.add_keys("lockdown");
  settings.add_keys("split.exclude");
  auto& session = *add().mutable_session_changed();
  session.set_id(17);
  session.set_client("laptop");
  session.set_ended(true);
  session.set_reason("idle");
  (void)add();  // of a newer daemon
  items.back().set_missed(3);
  return items;
}

FakeAnswers full_answers()
{
  FakeAnswers answers;
  answers.version.set_version("9.8.7");
  answers.version.set_api_level(4);
  auto& library = *answers.version.add_libraries();
  library.set_name("ngtcp2");
  library.set_version("1.24.0");
  answers.caller.set_uid(1000);
  answers.caller.set_user("alice");
  answers.caller.set_role(v1::ROLE_OPERATE);
  answers.statuses = {connecting_sample(), connected_sample()};
  answers.profiles = {profile("home"), profile("office")};
  answers.events = events_of_every_kind();
  answers.logs = {log_line(v1::LOG_LEVEL_INFO, "tunnel: state=connected profile=home"),
                  log_line(v1::LOG_LEVEL_WARN, "socket: queue full")};
  add_settings(answers.settings);
  answers.settings_text = "schema_version = 1\nlockdown = true\n";
  answers.takes_effect_later = {"mtu_bytes"};
  answers.findings = {finding("tun", v1::Finding::VERDICT_GOOD),
                      finding("rp_filter", v1::Finding::VERDICT_NOTICE)};
  return answers;
}

}  // namespace slopn::test
