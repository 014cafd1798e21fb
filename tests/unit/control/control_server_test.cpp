#include "daemon/control/control_server.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <limits>

#include "tests/unit/control/client.hpp"
#include "tests/unit/control/fake_daemon.hpp"

namespace {

using namespace slopn;
namespace v1 = slopn::control::v1;

daemon::Status connected()
{
  daemon::Connected state;
  state.profile = "home";
  state.interface_name = "slopn0";
  state.mtu_bytes = 1400;
  daemon::ClientStatus status{.state = state, .traffic = {}, .smoothed_rtt = {}};
  status.traffic.sent_packets = 3;
  return status;
}

}  // namespace

TEST_CASE("control: a call reaches the daemon together with who called", "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};

  test::Context context;
  v1::ConnectRequest request;
  request.set_profile("office");
  v1::ConnectResponse response;
  const auto status = client.control->Connect(&context, request, &response);

  REQUIRE(status.ok());
  CHECK(response.profile() == "office");
  const auto caller = daemon.on_control([](auto& fake) { return fake.last_caller; });
  CHECK(caller.uid == ::geteuid());
  CHECK(caller.gid == ::getegid());
  CHECK(caller.pid == ::getpid());
}

TEST_CASE("control: a connection can be asked for on trial, and confirmed", "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  test::Context first;
  v1::ConnectRequest request;
  request.set_profile("home");
  request.mutable_confirm_within()->set_seconds(2);
  request.mutable_confirm_within()->set_nanos(500'000'000);
  v1::ConnectResponse response;
  CHECK(client.control->Connect(&first, request, &response).ok());
  test::Context second;
  v1::ConfirmConnectionResponse confirmed;
  CHECK(client.control->ConfirmConnection(&second, {}, &confirmed).ok());
  CHECK(confirmed.profile() == "home");
  CHECK(daemon.on_control([](test::FakeCommands& commands) { return commands.asked; }) ==
        std::vector<std::string>{"connect home confirm_ms=2500", "confirm"});
}

TEST_CASE("control: a time to confirm that no clock has is passed on without overflow",
          "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  for (const std::int64_t seconds :
       {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    test::Context context;
    v1::ConnectRequest request;
    request.mutable_confirm_within()->set_seconds(seconds);
    request.mutable_confirm_within()->set_nanos(std::numeric_limits<std::int32_t>::max());
    v1::ConnectResponse response;
    CHECK(client.control->Connect(&context, request, &response).ok());
  }
}

TEST_CASE("control: status shows what the daemon knows", "[unit][control]")
{
  test::FakeDaemon daemon;
  daemon.on_control([](auto& fake) {
    fake.now = connected();
    return 0;
  });
  test::Client client{test::connect_socket(daemon.socket_path())};

  v1::Status answer;
  REQUIRE(test::ask_status(client, &answer).ok());
  CHECK(answer.client().connected().interface_name() == "slopn0");
  CHECK(answer.client().connected().mtu_bytes() == 1400);
  CHECK(answer.client().traffic().sent_packets() == 3);
  CHECK_FALSE(answer.client().has_smoothed_rtt());
}

TEST_CASE("control: version answers what main handed over", "[unit][control]")
{
  test::FakeDaemon daemon{{.version = {.version = "1.2.3", .libraries = {{"ngtcp2", "1.24.0"}}}}};
  test::Client client{test::connect_socket(daemon.socket_path())};

  test::Context context;
  v1::GetVersionResponse response;
  REQUIRE(client.control->GetVersion(&context, {}, &response).ok());
  CHECK(response.version() == "1.2.3");
  REQUIRE(response.libraries_size() == 1);
  CHECK(response.libraries(0).name() == "ngtcp2");
  CHECK(response.api_level() >= 1);
}

TEST_CASE("control: a failed call says why, what to do, and its number", "[unit][control]")
{
  test::FakeDaemon daemon;
  daemon.on_control([](auto& fake) {
    fake.failure = fail(Errc::auth_rejected, "connect to home");
    return 0;
  });
  test::Client client{test::connect_socket(daemon.socket_path())};

  test::Context context;
  v1::ConnectResponse response;
  const auto status = client.control->Connect(&context, {}, &response);
  CHECK(status.error_code() == grpc::StatusCode::UNAUTHENTICATED);
  CHECK(status.error_message() == "connect to home: authentication refused");
  const auto detail = test::detail_of(status);
  CHECK(detail.reason() == v1::ERROR_REASON_AUTH_REJECTED);
  CHECK(detail.message() == status.error_message());
  CHECK_FALSE(detail.remedy().empty());
}

TEST_CASE("control: profiles can be imported, listed, shown and removed", "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};

  v1::ImportProfileRequest import;
  import.set_text("slopn://x");
  import.set_name("office");
  {
    test::Context context;
    v1::ImportProfileResponse response;
    REQUIRE(client.control->ImportProfile(&context, import, &response).ok());
    CHECK(response.profile().name() == "office");
    CHECK(response.profile().gateway_pin() == "sha256:pin");
  }
  {
    test::Context context;
    v1::ImportProfileResponse response;
    const auto again = client.control->ImportProfile(&context, import, &response);
    CHECK(again.error_code() == grpc::StatusCode::ALREADY_EXISTS);
    CHECK(test::detail_of(again).remedy().find("--replace") != std::string::npos);
  }
  {
    test::Context context;
    v1::ListProfilesResponse response;
    REQUIRE(client.control->ListProfiles(&context, {}, &response).ok());
    CHECK(response.profiles_size() == 1);
  }
  v1::GetProfileRequest get;
  get.set_name("nowhere");
  {
    test::Context context;
    v1::GetProfileResponse response;
    CHECK(client.control->GetProfile(&context, get, &response).error_code() ==
          grpc::StatusCode::NOT_FOUND);
  }
  v1::RemoveProfileRequest remove;
  remove.set_name("office");
  for (const auto expected : {grpc::StatusCode::OK, grpc::StatusCode::NOT_FOUND}) {
    test::Context context;
    v1::RemoveProfileResponse response;
    CHECK(client.control->RemoveProfile(&context, remove, &response).error_code() == expected);
  }
}

TEST_CASE("control: sessions come in pages that join without gaps", "[unit][control]")
{
  test::FakeDaemon daemon;
  daemon.on_control([](auto& fake) {
    for (std::uint64_t id = 25; id > 0; --id) {
      daemon::SessionInfo session;
      session.id = id;
      fake.sessions.push_back(session);
    }
    return 0;
  });
  test::Client client{test::connect_socket(daemon.socket_path())};

  std::vector<std::uint64_t> ids;
  v1::ListSessionsRequest request;
  request.set_page_size(10);
  for (int pages = 1;; ++pages) {
    REQUIRE(pages <= 3);
    test::Context context;
    v1::ListSessionsResponse response;
    REQUIRE(client.gateway->ListSessions(&context, request, &response).ok());
    for (const auto& session : response.sessions()) ids.push_back(session.id());
    if (response.next_after_id() == 0) break;
    request.set_after_id(response.next_after_id());
  }
  REQUIRE(ids.size() == 25);
  for (std::size_t i = 0; i < ids.size(); ++i) CHECK(ids[i] == i + 1);
}

TEST_CASE("control: kicking says how many went, and who was not there", "[unit][control]")
{
  test::FakeDaemon daemon;
  daemon.on_control([](auto& fake) {
    fake.sessions.resize(2);
    fake.sessions[0].client = fake.sessions[1].client = "laptop";
    return 0;
  });
  test::Client client{test::connect_socket(daemon.socket_path())};

  v1::KickSessionRequest request;
  request.set_who("laptop");
  {
    test::Context context;
    v1::KickSessionResponse response;
    REQUIRE(client.gateway->KickSession(&context, request, &response).ok());
    CHECK(response.ended() == 2);
  }
  test::Context context;
  v1::KickSessionResponse response;
  const auto again = client.gateway->KickSession(&context, request, &response);
  CHECK(again.error_code() == grpc::StatusCode::NOT_FOUND);
}

TEST_CASE("control: the socket's rights are the group's and nobody else's", "[unit][control]")
{
  test::FakeDaemon daemon{{.group = ""}};
  struct stat info {};
  REQUIRE(::stat(daemon.socket_path().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);
}

TEST_CASE("control: another user gets PERMISSION_DENIED and what to do", "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  constexpr uid_t kStranger = 54'321;
  test::FakeDaemon daemon{{.group = "root"}};  // a group that every system has
  REQUIRE(::chmod(daemon.socket_path().c_str(), 0666) == 0);

  test::Client stranger{test::connect_socket_as({kStranger, kStranger}, daemon.socket_path())};
  const auto status = test::ask_status(stranger);
  CHECK(status.error_code() == grpc::StatusCode::PERMISSION_DENIED);
  CHECK(status.error_message() == "GetStatus needs the role read, and uid 54321 has no role");
  CHECK(test::detail_of(status).reason() == v1::ERROR_REASON_REFUSED);

  test::Context context;
  auto watch = stranger.control->WatchStatus(&context, {});
  v1::WatchStatusResponse change;
  CHECK_FALSE(watch->Read(&change));
  CHECK(watch->Finish().error_code() == grpc::StatusCode::PERMISSION_DENIED);

  test::Client root{test::connect_socket(daemon.socket_path())};
  CHECK(test::ask_status(root).ok());
}

TEST_CASE("control: each caller keeps its own identity", "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  test::FakeDaemon daemon{{.group = "nogroup"}};
  REQUIRE(::chmod(daemon.socket_path().c_str(), 0666) == 0);
  constexpr uid_t kNobody = 65'534;  // whose primary group is nogroup

  test::Client nobody{test::connect_socket_as({kNobody, kNobody}, daemon.socket_path())};
  test::Client root{test::connect_socket(daemon.socket_path())};
  for (int i = 0; i < 3; ++i) {
    for (const auto& [client, uid] : {std::pair{&nobody, kNobody}, std::pair{&root, uid_t{0}}}) {
      test::Context context;
      v1::DisconnectResponse response;
      REQUIRE(client->control->Disconnect(&context, {}, &response).ok());
      CHECK(daemon.on_control([](auto& fake) { return fake.last_caller.uid; }) == uid);
    }
  }
}

TEST_CASE("control: a process of the group may call, whatever its user", "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  constexpr uid_t kStranger = 54'321;
  constexpr gid_t kNogroup = 65'534;
  test::FakeDaemon daemon{{.group = "nogroup"}};

  const test::User member{kStranger, kStranger, {1, 2, kNogroup}};
  test::Client client{test::connect_socket_as(member, daemon.socket_path())};
  CHECK(test::ask_status(client).ok());

  // The socket's own rights keep others out.
  CHECK_FALSE(test::connect_socket_as({kStranger, kStranger}, daemon.socket_path()));
}
