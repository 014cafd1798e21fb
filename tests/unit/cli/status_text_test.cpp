#include "cli/format/status_text.hpp"

#include <stdlib.h>

#include <catch2/catch_test_macros.hpp>
#include <ctime>

#include "cli/format/table.hpp"
#include "tests/unit/cli/status_samples.hpp"

namespace {

using namespace slopn;
using cli::Colour;
using cli::Style;

std::string text(const test::v1::Status& status)
{
  ::setenv("TZ", "UTC0", 1);
  ::tzset();
  return cli::status_text(status, Style{Colour::off}, test::kNow);
}

}  // namespace

TEST_CASE("status: every state is one line for people", "[unit][cli]")
{
  CHECK(text(test::disconnected_sample()) == "disconnected\n");
  CHECK(text(test::refused_sample()) ==
        "disconnected: connect to home: authentication refused (ask for a new invitation)\n");
  CHECK(text(test::connecting_sample()) == "connecting to home, try 3\n");
  CHECK(text(test::reconnecting_sample()) ==
        "reconnecting to home: handshake: no answer in time; try 4 in 7 s\n");
  CHECK(text(test::disconnecting_sample()) == "disconnecting from home\n");
}

TEST_CASE("status: a connection is shown in full", "[unit][cli]")
{
  CHECK(text(test::connected_sample()) ==
        "connected to home for 2 min 5 s\n"
        "  since      2025-11-21 12:03:12\n"
        "  gateway    vpn.example.org:443 (192.0.2.1:443), round trip 12.3 ms\n"
        "  interface  slopn0, MTU 1420\n"
        "  addresses  10.8.0.2/24, fd00:8::2/64\n"
        "  routes     0.0.0.0/0, ::/0\n"
        "  security   TLS_AES_128_GCM_SHA256, X25519MLKEM768, authentication concealed\n"
        "  sent       1.2 MiB (1,234 packets)\n"
        "  received   84 B (1 packet)\n"
        "  dropped    2 packets: too_big 2\n");
}

TEST_CASE("status: a gateway is shown, and that it is open to anybody", "[unit][cli]")
{
  auto status = test::gateway_sample();
  CHECK(text(status) ==
        "gateway with 2 sessions\n"
        "  listening  0.0.0.0:443, [::]:443\n"
        "  interface  slopn0, MTU 1420\n"
        "  pools      10.8.0.0/24\n"
        "  pin        sha256:abc\n"
        "  sent       10 B (1 packet)\n"
        "  received   0 B (0 packets)\n");
  status.mutable_gateway()->set_anonymous_allowed(true);
  CHECK(text(status).starts_with("gateway with 2 sessions, open to anybody (auth.anonymous)\n"));
}

TEST_CASE("status: a newer daemon's state is no crash", "[unit][cli]")
{
  CHECK(text({}).find("newer") != std::string::npos);
  test::v1::Status status;
  status.mutable_client();
  CHECK(text(status).find("newer") != std::string::npos);
}

TEST_CASE("status: what a daemon says cannot act on the terminal", "[unit][cli]")
{
  auto status = test::connected_sample();
  status.mutable_client()->mutable_connected()->set_profile("home\x1b[2J\nforged line");
  status.mutable_client()->mutable_connected()->set_gateway("\x1b]0;title\x07");
  const auto shown = text(status);
  CHECK(shown.find('\x1b') == std::string::npos);
  CHECK(shown.find('\x07') == std::string::npos);
  CHECK(shown.find("\nforged") == std::string::npos);
}

TEST_CASE("status: colours only when asked for", "[unit][cli]")
{
  const auto plain = cli::status_line(test::connected_sample(), Style{Colour::off}, test::kNow);
  CHECK(plain.find('\x1b') == std::string::npos);
  const auto coloured = cli::status_line(test::connected_sample(), Style{Colour::on}, test::kNow);
  CHECK(coloured.starts_with("\x1b[32mconnected\x1b[0m to"));
}

TEST_CASE("table: columns line up, also with letters of several bytes", "[unit][cli]")
{
  CHECK(cli::table({"NAME", "X"}, {{"B\u00fcro", "1"}, {"longer", "22"}}, Style{Colour::off}) ==
        "NAME    X\n"
        "B\u00fcro    1\n"
        "longer  22\n");
}

TEST_CASE("details: rows without a value are left out", "[unit][cli]")
{
  CHECK(cli::details({{"a", "1"}, {"longest", ""}, {"bc", "2"}}, Style{Colour::off}) ==
        "  a   1\n"
        "  bc  2\n");
}
