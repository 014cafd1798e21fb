#include "daemon/control/messages.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "daemon/control/error_status.hpp"
#include "daemon/control/stream_call.hpp"
#include "tests/unit/control/client.hpp"

namespace {

using namespace slopn;
using namespace std::chrono_literals;
namespace v1 = slopn::control::v1;
using control::to_message;

v1::ClientStatus message_of(daemon::ClientState state)
{
  return to_message(
             daemon::ClientStatus{.state = std::move(state), .traffic = {}, .smoothed_rtt = {}})
      .client();
}

using StatusQueue = control::StreamQueue<v1::WatchStatusResponse>;

v1::WatchStatusResponse numbered(std::uint32_t attempt)
{
  v1::WatchStatusResponse response;
  response.mutable_status()->mutable_client()->mutable_connecting()->set_attempt(attempt);
  return response;
}

}  // namespace

TEST_CASE("messages: every client state is its own message", "[unit][control]")
{
  CHECK(message_of(daemon::Disconnected{}).has_disconnected());
  CHECK_FALSE(message_of(daemon::Disconnected{}).disconnected().has_reason());
  CHECK(message_of(daemon::Connecting{"home", 3}).connecting().attempt() == 3);
  CHECK(message_of(daemon::Connected{}).has_connected());
  CHECK(message_of(daemon::Disconnecting{"home"}).disconnecting().profile() == "home");
}

TEST_CASE("messages: a connection says where it can be measured", "[unit][control]")
{
  daemon::Connected state;
  state.measurement_endpoints = {*UdpEndpoint::parse("[fd00::1]:5202")};
  const auto message = message_of(state).connected();
  REQUIRE(message.measurement_endpoints_size() == 1);
  CHECK(message.measurement_endpoints(0) == "[fd00::1]:5202");
}

TEST_CASE("messages: a disconnection carries its reason and what to do", "[unit][control]")
{
  const daemon::Problem problem{fail(Errc::auth_rejected, "connect to home"),
                                daemon::ErrorClass::authentication, "ask the admin"};
  const auto message = message_of(daemon::Disconnected{problem, true});
  CHECK(message.disconnected().locked());
  const auto& reason = message.disconnected().reason();
  CHECK(reason.class_() == v1::ERROR_CLASS_AUTHENTICATION);
  CHECK(reason.reason() == v1::ERROR_REASON_AUTH_REJECTED);
  CHECK(reason.message() == "connect to home: authentication refused");
  CHECK(reason.remedy() == "ask the admin");
}

TEST_CASE("messages: a failure says what it is, what to do, and whether traffic is blocked",
          "[unit][control]")
{
  daemon::ClientStatus status;
  status.state = daemon::Failed{
      "home", {fail(Errc::platform_denied, "make slopn0"), daemon::ErrorClass::system, "be root"}};
  status.traffic_blocked = true;
  const auto message = to_message(status).client();
  CHECK(message.failed().profile() == "home");
  CHECK(message.failed().error().reason() == v1::ERROR_REASON_PLATFORM_DENIED);
  CHECK(message.failed().error().class_() == v1::ERROR_CLASS_SYSTEM);
  CHECK(message.failed().error().remedy() == "be root");
  CHECK(message.traffic_blocked());
}

TEST_CASE("messages: a try says how far it has come", "[unit][control]")
{
  using Message = v1::ClientStatus::Connecting;
  const auto phase_of = [](tunnel::Phase phase) {
    return message_of(daemon::Connecting{"home", 1, phase, "vpn.example.org:443"})
        .connecting()
        .phase();
  };
  CHECK(phase_of(tunnel::Phase::resolving) == Message::PHASE_RESOLVING);
  CHECK(phase_of(tunnel::Phase::handshaking) == Message::PHASE_HANDSHAKING);
  CHECK(phase_of(tunnel::Phase::authenticating) == Message::PHASE_AUTHENTICATING);
  CHECK(phase_of(tunnel::Phase::configuring) == Message::PHASE_CONFIGURING);
}

TEST_CASE("messages: a connection that waits to be confirmed says until when", "[unit][control]")
{
  daemon::Connected state;
  CHECK_FALSE(message_of(state).connected().has_confirm_until());
  state.confirm_until = daemon::WallClock::time_point{} + 1'700'000'000s;
  CHECK(message_of(state).connected().confirm_until().seconds() == 1'700'000'000);
}

TEST_CASE("messages: times keep their fractions, also before 1970", "[unit][control]")
{
  daemon::Reconnecting state;
  state.retry_at = daemon::WallClock::time_point{} + 1'700'000'000s + 250ms;
  auto message = message_of(state).reconnecting();
  CHECK(message.retry_at().seconds() == 1'700'000'000);
  CHECK(message.retry_at().nanos() == 250'000'000);

  state.retry_at = daemon::WallClock::time_point{} - 250ms;
  message = message_of(state).reconnecting();
  CHECK(message.retry_at().seconds() == -1);
  CHECK(message.retry_at().nanos() == 750'000'000);
}

TEST_CASE("messages: a connection shows all that is known of it", "[unit][control]")
{
  daemon::Connected state;
  state.profile = "home";
  state.gateway = "vpn.example.org:443";
  state.remote = *UdpEndpoint::parse("192.0.2.1:443");
  state.addresses = {*IpInterfaceAddress::parse("10.0.0.2/24")};
  state.routes = {*IpPrefix::parse("0.0.0.0/0"), *IpPrefix::parse("::/0")};
  state.key_exchange_group = "X25519MLKEM768";
  daemon::ClientStatus status{state, {}, 12'345us};
  status.traffic.drops = {{"too_big", 4}};

  const v1::ClientStatus message = to_message(status).client();
  CHECK(message.connected().remote() == "192.0.2.1:443");
  CHECK(message.connected().addresses(0) == "10.0.0.2/24");
  CHECK(message.connected().routes_size() == 2);
  CHECK(message.connected().key_exchange_group() == "X25519MLKEM768");
  CHECK(message.smoothed_rtt().nanos() == 12'345'000);
  CHECK(message.traffic().drops(0).packets() == 4);
}

TEST_CASE("messages: a gateway's status", "[unit][control]")
{
  daemon::GatewayStatus status;
  status.listening = {*UdpEndpoint::parse("[::]:443")};
  status.pools = {*IpPrefix::parse("10.8.0.0/24")};
  status.sessions = 7;
  const auto message = to_message(status).gateway();
  CHECK(message.listening(0) == "[::]:443");
  CHECK(message.pools(0) == "10.8.0.0/24");
  CHECK(message.sessions() == 7);
}

TEST_CASE("errors: every code of ours has a status, a reason and a message", "[unit][control]")
{
  const auto number = GENERATE(range(1, static_cast<int>(Errc::data_corrupt) + 1));
  const auto status = control::to_status(fail(static_cast<Errc>(number), "test"));
  CHECK(status.error_code() != grpc::StatusCode::OK);
  CHECK(status.error_code() != grpc::StatusCode::UNKNOWN);
  // CLI and people tell "not allowed" and "no daemon" from the rest by these.
  CHECK(status.error_code() != grpc::StatusCode::PERMISSION_DENIED);
  const auto detail = test::detail_of(status);
  CHECK(static_cast<int>(detail.reason()) == number);
  CHECK(v1::ErrorReason_IsValid(number));
  CHECK(detail.message().starts_with("test: "));
}

TEST_CASE("errors: an operating system's number is passed on", "[unit][control]")
{
  const auto status = control::to_status(
      fail(make_error_code(boost::system::errc::no_space_on_device), "write profile"));
  CHECK(status.error_code() == grpc::StatusCode::INTERNAL);
  const auto detail = test::detail_of(status);
  CHECK(detail.reason() == v1::ERROR_REASON_UNSPECIFIED);
  CHECK(detail.system_code() == ENOSPC);
}

TEST_CASE("errors: the caller's remedy wins over the general one", "[unit][control]")
{
  CHECK(control::to_detail(fail(Errc::timed_out, "x"), "do this").remedy() == "do this");
  CHECK_FALSE(control::to_detail(fail(Errc::timed_out, "x")).remedy().empty());
}

TEST_CASE("errors: bytes that are no text do not break the message", "[unit][control]")
{
  const auto status = control::to_status(fail(Errc::not_found, "file '\xff\x1b[2J'\n"));
  const auto detail = test::detail_of(status);
  CHECK(detail.reason() == v1::ERROR_REASON_NOT_FOUND);
  CHECK(detail.message() == "file '\uFFFD\uFFFD[2J'\uFFFD: not found");
}

TEST_CASE("errors: every one carries what google.rpc's readers look for", "[unit][control]")
{
  const auto status = control::to_status(fail(Errc::not_found, "profile x"), "look around");
  google::rpc::Status rich;
  REQUIRE(rich.ParseFromString(status.error_details()));
  CHECK(rich.code() == static_cast<int>(grpc::StatusCode::NOT_FOUND));
  CHECK(rich.message() == status.error_message());
  REQUIRE(rich.details_size() == 2);
  CHECK(rich.details(1).type_url() == "type.googleapis.com/google.rpc.ErrorInfo");
  const auto info = test::detail_as<google::rpc::ErrorInfo>(status);
  CHECK(info.reason() == "NOT_FOUND");
  CHECK(info.domain() == "slopn");
  CHECK(info.metadata().at("remedy") == "look around");
  CHECK(test::detail_of(status).class_() == v1::ERROR_CLASS_CONFIGURATION);
}

TEST_CASE("errors: fields at fault are named", "[unit][control]")
{
  const auto status = control::bad_request({{"changes[0].value", "too long"}, {"other", "wrong"}});
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(status.error_message() == "changes[0].value: too long");
  CHECK(test::detail_of(status).field() == "changes[0].value");
  CHECK(test::detail_of(status).reason() == v1::ERROR_REASON_INVALID_ARGUMENT);
  const auto fields = test::detail_as<google::rpc::BadRequest>(status);
  REQUIRE(fields.field_violations_size() == 2);
  CHECK(fields.field_violations(1).field() == "other");

  const auto of_text = control::to_status_for("text", fail(Errc::invalid_argument, "no profile"));
  CHECK(test::detail_of(of_text).field() == "text");
  CHECK(of_text.error_message() == "no profile: invalid value");
  CHECK(test::detail_as<google::rpc::BadRequest>(of_text).field_violations(0).field() == "text");
  const auto other = control::to_status_for("text", fail(Errc::busy, "in use"));
  CHECK(test::detail_of(other).field().empty());
  CHECK(other.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_CASE("errors: however long the texts, the details fit into a client's 8 KiB",
          "[unit][control]")
{
  const std::string endless(100'000, '\xff');  // each of these bytes becomes three
  // As they travel: base64, and each of the message's bytes as three.
  const auto size_of = [](const grpc::Status& status) {
    return status.error_details().size() * 4 / 3 + status.error_message().size() * 3;
  };
  CHECK(size_of(control::to_status(fail(Errc::not_found, endless), endless)) < 7500);
  const std::vector<control::FieldProblem> problems(10, {endless, endless});
  CHECK(size_of(control::bad_request(problems, endless)) < 7500);
}

TEST_CASE("watch: states come out as they went in", "[unit][control]")
{
  StatusQueue queue{{3, 1'000'000}};
  CHECK_FALSE(queue.pop());
  for (std::uint32_t i = 1; i <= 3; ++i) queue.push(numbered(i));
  for (std::uint32_t i = 1; i <= 3; ++i) {
    const auto next = queue.pop();
    REQUIRE(next);
    CHECK(next->status().client().connecting().attempt() == i);
    CHECK(next->missed() == 0);
  }
  CHECK_FALSE(queue.pop());
}

TEST_CASE("watch: a full queue loses the oldest and says how many", "[unit][control]")
{
  StatusQueue queue{{3, 1'000'000}};
  for (std::uint32_t i = 1; i <= 10; ++i) queue.push(numbered(i));
  const auto first = queue.pop();
  REQUIRE(first);
  CHECK(first->missed() == 7);
  CHECK(first->status().client().connecting().attempt() == 8);
  CHECK(queue.pop()->missed() == 0);
  queue.push(numbered(11));
  CHECK(queue.pop()->status().client().connecting().attempt() == 10);
  CHECK(queue.pop()->status().client().connecting().attempt() == 11);
}

TEST_CASE("watch: large items are as few as their bytes allow, and one at least", "[unit][control]")
{
  StatusQueue queue{{100, 1000}};
  for (std::uint32_t i = 1; i <= 5; ++i) {
    auto large = numbered(i);
    large.mutable_status()->mutable_client()->mutable_connecting()->set_gateway(
        std::string(400, 'g'));
    queue.push(large);
  }
  CHECK(queue.pop()->missed() == 3);
  auto huge = numbered(6);
  huge.mutable_status()->mutable_client()->mutable_connecting()->set_gateway(
      std::string(5000, 'g'));
  queue.push(huge);
  const auto last = queue.pop();
  REQUIRE(last);
  CHECK(last->missed() == 1);
  CHECK(last->status().client().connecting().attempt() == 6);
  CHECK_FALSE(queue.pop());
}
