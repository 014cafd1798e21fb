#include "cli/format/json.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/cli/status_samples.hpp"

// The texts below are what scripts rely on (docs/slopnctl.md): a field may be added, and none
// renamed or removed.

namespace {

using namespace slopn;
using Json = nlohmann::json;  // which does not mind the order of fields

/// A document as a program reads it: fields have no order.
template <class Message>
Json document_of(const Message& message)
{
  return Json::parse(cli::to_json(message).dump());
}

constexpr const char* kNoTraffic =
    R"({"sent_packets": 0, "sent_bytes": 0, "received_packets": 0, "received_bytes": 0,
        "drops": {}})";

Json with_traffic(const char* text)
{
  Json document = Json::parse(text);
  if (!document.contains("traffic")) document["traffic"] = Json::parse(kNoTraffic);
  return document;
}

}  // namespace

TEST_CASE("json: a connection", "[unit][cli]")
{
  CHECK(document_of(test::connected_sample()) == with_traffic(R"({
    "role": "client", "state": "connected", "profile": "home",
    "since": "2025-11-21T12:03:12.000Z",
    "gateway": "vpn.example.org:443", "remote": "192.0.2.1:443",
    "interface_name": "slopn0", "mtu_bytes": 1420,
    "addresses": ["10.8.0.2/24", "fd00:8::2/64"], "routes": ["0.0.0.0/0", "::/0"],
    "cipher": "TLS_AES_128_GCM_SHA256", "key_exchange_group": "X25519MLKEM768",
    "authentication": "concealed", "measurement_endpoints": ["10.8.0.1:5202"],
    "protocol": "", "last_heard": null, "confirm_until": null,
    "rtt_us": 12345, "traffic_blocked": false,
    "traffic": {"sent_packets": 1234, "sent_bytes": 1300000,
                "received_packets": 1, "received_bytes": 84, "drops": {"too_big": 2}}})"));
}

TEST_CASE("json: the other states of a client", "[unit][cli]")
{
  CHECK(document_of(test::disconnected_sample()) ==
        with_traffic(
            R"({"role": "client", "state": "disconnected", "reason": null, "locked": false,
                "traffic_blocked": false, "rtt_us": null})"));
  CHECK(document_of(test::refused_sample()) == with_traffic(R"({
    "role": "client", "state": "disconnected", "rtt_us": null, "locked": false,
    "traffic_blocked": false,
    "reason": {"code": "auth_rejected", "class": "", "field": "", "message": "connect to home: authentication refused",
               "remedy": "ask for a new invitation"}})"));
  CHECK(document_of(test::connecting_sample()) ==
        with_traffic(
            R"({"role": "client", "state": "connecting", "profile": "home", "attempt": 3,
        "phase": "", "gateway": "", "traffic_blocked": false, "rtt_us": null})"));
  CHECK(document_of(test::reconnecting_sample()) == with_traffic(R"({
    "role": "client", "state": "reconnecting", "profile": "home", "rtt_us": null,
    "traffic_blocked": false,
    "reason": {"code": "timed_out", "class": "", "field": "", "message": "handshake: no answer in time", "remedy": ""},
    "next_attempt": 4, "retry_at": "2025-11-21T12:05:24.000Z"})"));
  CHECK(document_of(test::disconnecting_sample()) ==
        with_traffic(
            R"({"role": "client", "state": "disconnecting", "profile": "home",
                "traffic_blocked": false, "rtt_us": null})"));
}

TEST_CASE("json: states of newer daemons have names too", "[unit][cli]")
{
  CHECK(document_of(test::v1::Status{})["role"] == "unknown");
  test::v1::Status status;
  status.mutable_client();
  CHECK(document_of(status)["state"] == "unknown");
}

TEST_CASE("json: a gateway", "[unit][cli]")
{
  CHECK(document_of(test::gateway_sample()) == Json::parse(R"({
    "role": "gateway", "listening": ["0.0.0.0:443", "[::]:443"],
    "interface_name": "slopn0", "mtu_bytes": 1420, "certificate_pin": "sha256:abc",
    "pools": ["10.8.0.0/24"], "sessions": 2, "anonymous_allowed": false,
    "traffic": {"sent_packets": 1, "sent_bytes": 10, "received_packets": 0, "received_bytes": 0,
                "drops": {}}})"));
}

TEST_CASE("json: a session", "[unit][cli]")
{
  CHECK(document_of(test::session_sample()) == with_traffic(R"({
    "id": 17, "client": "laptop", "identity": "ed25519:abc", "remote": "198.51.100.7:50000",
    "addresses": ["10.8.0.2/24"], "since": "2025-11-21T12:03:12.000Z", "rtt_us": 5000})"));
}

TEST_CASE("json: a change of a stream says what was missed", "[unit][cli]")
{
  test::v1::WatchStatusResponse change;
  *change.mutable_status() = test::connecting_sample();
  change.set_missed(5);
  const auto document = cli::to_json(change);
  CHECK(document["missed"] == 5);
  CHECK(document["state"] == "connecting");
  CHECK(to_text(document, cli::Layout::one_line).find('\n') == std::string::npos);
}

TEST_CASE("json: a failure", "[unit][cli]")
{
  const cli::Failure failure{cli::ExitCode::timed_out, "timed_out", "too slow", "wait"};
  CHECK(document_of(failure) ==
        Json::parse(
            R"({"error": {"code": "timed_out", "class": "", "field": "", "message": "too slow",
                                            "remedy": "wait", "exit_code": 7}})"));
}

TEST_CASE("json: is plain ASCII whatever the daemon says", "[unit][cli]")
{
  const auto text =
      to_text(cli::Json{{"x", "\x1b[2J \xc2\x9b \xff \u202E B\u00fcro"}}, cli::Layout::one_line);
  for (const char byte : text) CHECK((byte >= 0x20 && byte < 0x7f));
  CHECK(Json::parse(text)["x"].get<std::string>().ends_with("B\u00fcro"));
}
