#include <catch2/catch_test_macros.hpp>

#include "daemon/control/messages.hpp"
#include "tests/support/hex.hpp"
#include "tests/unit/control/client.hpp"
#include "tests/unit/control/fake_daemon.hpp"

namespace {

using namespace slopn;
namespace v1 = slopn::control::v1;

config::Settings some_settings()
{
  config::Settings settings;
  settings.auto_connect = "office";
  settings.lan_access = true;
  settings.mtu_bytes = 1400;
  settings.protocol = config::TunnelProtocol::connect_ip;
  settings.dns = config::DnsMode::custom;
  settings.dns_servers = {*IpAddress::parse("192.0.2.53")};
  settings.split_exclude = {test::prefix("192.0.2.0/24")};
  settings.split_include = {test::prefix("10.0.0.0/8"), test::prefix("fd00::/8")};
  return settings;
}

}  // namespace

TEST_CASE("settings api: a message has all that the settings have", "[unit][control]")
{
  const v1::Settings message = control::to_message(some_settings());
  CHECK(message.schema_version() == config::kSettingsVersion);
  CHECK(message.auto_connect() == "office");
  CHECK_FALSE(message.lockdown());
  CHECK(message.lan_access());
  CHECK(message.mtu_bytes() == 1400);
  CHECK(message.protocol() == v1::Settings::PROTOCOL_CONNECT_IP);
  CHECK(message.dns() == v1::Settings::DNS_CUSTOM);
  CHECK(message.dns_servers(0) == "192.0.2.53");
  CHECK(message.split_exclude(0) == "192.0.2.0/24");
  CHECK(message.split_include_size() == 2);
}

TEST_CASE("settings api: settings are shown, with what is wrong with them", "[unit][control]")
{
  test::FakeDaemon daemon;
  daemon.on_control([](auto& fake) {
    fake.stored = {some_settings(), {{"lockdown", "true"}, {"auto_connect", ""}}, "cut\noff"};
    return 0;
  });
  test::Client client{test::connect_socket(daemon.socket_path())};
  test::Context context;
  v1::GetSettingsResponse response;
  REQUIRE(client.control->GetSettings(&context, {}, &response).ok());
  CHECK(response.settings().auto_connect() == "office");
  REQUIRE(response.entries_size() == 2);
  CHECK(response.entries(0).key() == "lockdown");
  CHECK(response.entries(0).value() == "true");
  CHECK(response.problem().find("cut") == 0);
  CHECK(response.problem().find('\n') == std::string::npos);
}

TEST_CASE("settings api: changes reach the daemon in their order", "[unit][control]")
{
  test::FakeDaemon daemon;
  daemon.on_control([](auto& fake) {
    fake.for_later = {"mtu_bytes"};
    return 0;
  });
  test::Client client{test::connect_socket(daemon.socket_path())};
  v1::UpdateSettingsRequest request;
  for (const auto* const value : {"1400", ""}) {
    auto& change = *request.add_changes();
    change.set_key("mtu_bytes");
    change.set_value(value);
  }
  test::Context context;
  v1::UpdateSettingsResponse response;
  REQUIRE(client.control->UpdateSettings(&context, request, &response).ok());
  CHECK(response.takes_effect_later(0) == "mtu_bytes");
  const auto asked = daemon.on_control([](auto& fake) { return fake.asked; });
  CHECK(asked == std::vector<std::string>{"settings mtu_bytes=1400 mtu_bytes="});
}

TEST_CASE("settings api: a refusal names the key", "[unit][control]")
{
  test::FakeDaemon daemon;
  daemon.on_control([](auto& fake) {
    fake.no_change = {fail(Errc::invalid_argument, "settings: dns.mode: no"), "dns.mode"};
    return 0;
  });
  test::Client client{test::connect_socket(daemon.socket_path())};
  test::Context context;
  v1::UpdateSettingsResponse response;
  const auto status = client.control->UpdateSettings(&context, {}, &response);
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(test::detail_of(status).field() == "dns.mode");
  CHECK(test::detail_of(status).reason() == v1::ERROR_REASON_INVALID_ARGUMENT);
  CHECK_FALSE(test::detail_of(status).remedy().empty());
}

TEST_CASE("settings api: what is exported is text, and so is what is imported", "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  test::Context context;
  v1::ExportSettingsResponse exported;
  REQUIRE(client.control->ExportSettings(&context, {}, &exported).ok());
  CHECK(exported.text() == "schema_version = 1\n");

  v1::ImportSettingsRequest request;
  request.set_text(exported.text());
  test::Context second;
  v1::ImportSettingsResponse imported;
  REQUIRE(client.control->ImportSettings(&second, request, &imported).ok());
  const auto asked = daemon.on_control([](auto& fake) { return fake.asked; });
  CHECK(asked == std::vector<std::string>{"settings import schema_version = 1\n"});
}
