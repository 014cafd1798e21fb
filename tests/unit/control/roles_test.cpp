#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <future>
#include <set>

#include "daemon/control/gate.hpp"
#include "daemon/control/methods.hpp"
#include "tests/unit/control/client.hpp"
#include "tests/unit/control/fake_daemon.hpp"

namespace {

using namespace slopn;
using daemon::Grant;
using daemon::Role;
using grpc::StatusCode;
namespace v1 = slopn::control::v1;

constexpr uid_t kReader = 54'321;
constexpr uid_t kOperator = 54'322;
constexpr uid_t kStranger = 54'323;

control::ControlOptions two_grants()
{
  return {.group = "",
          .grants = {{.role = Role::read, .uids = {kReader}},
                     {.role = Role::operate, .uids = {kOperator}}}};
}

std::vector<const google::protobuf::MethodDescriptor*> all_methods()
{
  std::vector<const google::protobuf::MethodDescriptor*> all;
  const auto* file = v1::ConnectRequest::descriptor()->file();
  for (int s = 0; s < file->service_count(); ++s) {
    for (int m = 0; m < file->service(s)->method_count(); ++m)
      all.push_back(file->service(s)->method(m));
  }
  return all;
}

test::Client client_of(test::FakeDaemon& daemon, uid_t uid)
{
  return test::Client{test::connect_socket_as({uid, uid}, daemon.socket_path())};
}

v1::GetCallerResponse who_am_i(test::Client& client)
{
  test::Context context;
  v1::GetCallerResponse response;
  CHECK(client.control->GetCaller(&context, {}, &response).ok());
  return response;
}

grpc::Status connect(test::Client& client, const std::string& uri = {})
{
  test::Context context;
  v1::ConnectRequest request;
  if (!uri.empty()) request.set_uri(uri);
  v1::ConnectResponse response;
  return client.control->Connect(&context, request, &response);
}

/// Any method, with an empty request.
grpc::Status call(grpc::GenericStub& stub, const google::protobuf::MethodDescriptor& method)
{
  test::Context context;
  const std::string path = "/" + method.service()->full_name() + "/" + method.name();
  const grpc::ByteBuffer request{nullptr, 0};
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, path, {}, &request, &response,
                 [&](grpc::Status status) { done.set_value(std::move(status)); });
  return done.get_future().get();
}

}  // namespace

TEST_CASE("roles: every method of every service says which role it needs", "[unit][control]")
{
  std::set<std::string> names;
  for (const auto* method : all_methods()) {
    CAPTURE(method->full_name());
    CHECK(names.insert(method->name()).second);  // the table knows them by their short names
    CHECK(control::find_method(method->name()) != nullptr);
  }
  for (const auto& method : control::methods()) {
    CAPTURE(method.name);
    CHECK(names.count(std::string{method.name}) == 1);
    if (method.name != "GetVersion" && method.name != "GetCaller") CHECK(method.role > Role::none);
  }
}

TEST_CASE("roles: every method refuses a caller without a role", "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  test::FakeDaemon daemon{two_grants()};
  auto socket = test::connect_socket_as({kStranger, kStranger}, daemon.socket_path());
  const auto channel = test::channel_on(std::move(socket));
  grpc::GenericStub stub{channel};
  for (const auto* method : all_methods()) {
    CAPTURE(method->full_name());
    const auto code = call(stub, *method).error_code();
    if (control::find_method(method->name())->role == Role::none) {
      CHECK(code == StatusCode::OK);
    } else {
      CHECK(code == StatusCode::PERMISSION_DENIED);
    }
  }
  CHECK(daemon.on_control([](auto& fake) { return fake.asked.empty(); }));
}

TEST_CASE("roles: a request may need more than its method", "[unit][control]")
{
  const auto& method = *control::find_method("Connect");
  v1::ConnectRequest request;
  CHECK(control::role_needed(method, request) == Role::operate);
  request.set_profile("home");
  CHECK(control::role_needed(method, request) == Role::operate);
  request.set_uri("slopn://...");
  CHECK(control::role_needed(method, request) == Role::admin);
}

TEST_CASE("roles: the audit log's arguments hold no secret", "[unit][control]")
{
  v1::ConnectRequest connect_request;
  connect_request.set_uri("slopn://vpn.example.org/?key=SECRET");
  CHECK(control::argument_of(*control::find_method("Connect"), connect_request) == "uri");
  connect_request.set_profile("home");
  connect_request.mutable_confirm_within()->set_seconds(60);
  CHECK(control::argument_of(*control::find_method("Connect"), connect_request) ==
        "profile=home confirm_within=60s");
  v1::ImportProfileRequest import;
  import.set_text("SECRET");
  import.set_name("office");
  import.set_replace(true);
  const auto argument = control::argument_of(*control::find_method("ImportProfile"), import);
  CHECK(argument.find("SECRET") == std::string::npos);
  CHECK(argument == "name=office replace");
  connect_request.set_profile("slopn://vpn.example.org/?key=SECRET");  // in the wrong place
  connect_request.clear_confirm_within();
  CHECK(control::argument_of(*control::find_method("Connect"), connect_request) ==
        "profile=(invalid)");
  v1::UpdateSettingsRequest update;
  for (int i = 0; i < 1000; ++i) {
    auto& change = *update.add_changes();
    change.set_key("split.exclude");
    change.set_value("SECRET");
  }
  const auto keys = control::argument_of(*control::find_method("UpdateSettings"), update);
  CHECK(keys.find("SECRET") == std::string::npos);
  CHECK(keys.size() < 400);
}

TEST_CASE("roles: what a caller chose does not pass for another part of the audit line",
          "[unit][control]")
{
  const auto kicked = [](const std::string& who) {
    v1::KickSessionRequest request;
    request.set_who(who);
    return control::argument_of(*control::find_method("KickSession"), request);
  };
  CHECK(kicked("") == "");
  CHECK(kicked("laptop") == "who=laptop");
  CHECK(kicked("x result=OK") == R"(who="x result=OK")");
  CHECK(kicked(R"(x" result=OK)") == R"(who="x\" result=OK")");
  CHECK(kicked("x\naudit: uid=0").find('\n') == std::string::npos);
  CHECK(kicked(std::string(10'000, 'x')).size() < 200);
}

TEST_CASE("roles: each caller may do what its role says, and is told what it may",
          "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  test::FakeDaemon daemon{two_grants()};
  auto reader = client_of(daemon, kReader);
  auto operate = client_of(daemon, kOperator);
  test::Client root{test::connect_socket(daemon.socket_path())};

  CHECK(who_am_i(reader).role() == v1::ROLE_READ);
  CHECK(who_am_i(reader).uid() == kReader);
  CHECK(who_am_i(reader).user().empty());
  CHECK(who_am_i(operate).role() == v1::ROLE_OPERATE);
  CHECK(who_am_i(root).role() == v1::ROLE_ADMIN);
  CHECK(who_am_i(root).user() == "root");

  CHECK(test::ask_status(reader).ok());
  CHECK(connect(reader).error_code() == StatusCode::PERMISSION_DENIED);
  CHECK(connect(operate).ok());
  CHECK(connect(operate, "slopn://x").error_code() == StatusCode::PERMISSION_DENIED);
  CHECK(connect(root, "slopn://x").ok());
}

TEST_CASE("roles: a refusal names the role that is missing and the grant that gives it",
          "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  test::FakeDaemon daemon{two_grants()};
  auto reader = client_of(daemon, kReader);
  const auto status = connect(reader);
  CHECK(status.error_message() ==
        "Connect needs the role operate, and uid 54321 has only the role read");
  const auto detail = test::detail_of(status);
  CHECK(detail.reason() == v1::ERROR_REASON_REFUSED);
  CHECK(detail.remedy() ==
        "run as root, or grant it in slopnd.toml with [[control.grants]] role = \"operate\", "
        "uids = [54321] and reload slopnd");
  const auto info = test::detail_as<google::rpc::ErrorInfo>(status);
  CHECK(info.domain() == "slopn");
  CHECK(info.reason() == "REFUSED");
  CHECK(info.metadata().at("role") == "operate");
  CHECK(info.metadata().at("grant") == "[[control.grants]]\nrole = \"operate\"\nuids = [54321]\n");
}

TEST_CASE(
    "roles: the same user has different roles by different groups, on each connection its own",
    "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  constexpr gid_t kNogroup = 65'534;
  test::FakeDaemon daemon{
      {.group = "nogroup", .grants = {{.role = Role::read, .uids = {kReader}}}}};
  auto plain = client_of(daemon, kReader);
  test::Client member{
      test::connect_socket_as({kReader, kReader, {kNogroup}}, daemon.socket_path())};
  for (int i = 0; i < 3; ++i) {
    CHECK(who_am_i(plain).role() == v1::ROLE_READ);
    CHECK(who_am_i(member).role() == v1::ROLE_OPERATE);
    CHECK(connect(plain).error_code() == StatusCode::PERMISSION_DENIED);
    CHECK(connect(member).ok());
  }
}

TEST_CASE("roles: a grant that is taken away ends the calls that rest on it", "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  test::FakeDaemon daemon{two_grants()};
  auto operate = client_of(daemon, kOperator);
  test::Client root{test::connect_socket(daemon.socket_path())};
  CHECK(connect(operate).ok());
  test::Context watching;
  auto watch = operate.control->WatchStatus(&watching, {});
  test::Context of_root;
  auto watch_of_root = root.control->WatchStatus(&of_root, {});
  v1::WatchStatusResponse change;
  REQUIRE(watch->Read(&change));
  REQUIRE(watch_of_root->Read(&change));

  daemon.on_control([&](auto&) {
    daemon.server().change_grants({{.role = Role::read, .uids = {kOperator}}});
    return 0;
  });
  while (watch->Read(&change)) {
  }
  CHECK(watch->Finish().error_code() == StatusCode::UNAVAILABLE);
  CHECK(connect(operate).error_code() == StatusCode::UNAVAILABLE);  // until it connects again

  auto again = client_of(daemon, kOperator);
  CHECK(who_am_i(again).role() == v1::ROLE_READ);
  CHECK(test::ask_status(again).ok());
  CHECK(connect(again).error_code() == StatusCode::PERMISSION_DENIED);
  // Root needs no grant.
  CHECK(connect(root).ok());
  daemon.on_control([](auto& fake) {
    fake.change(daemon::ClientStatus{});
    return 0;
  });
  CHECK(watch_of_root->Read(&change));
}

TEST_CASE("roles: the socket's file follows the grants", "[unit][control]")
{
  test::FakeDaemon daemon{{.group = ""}};
  const auto mode = [&] {
    struct stat info {};
    REQUIRE(::stat(daemon.socket_path().c_str(), &info) == 0);
    return info.st_mode & 0777U;
  };
  const auto change = [&](std::vector<Grant> grants) {
    daemon.on_control([&](auto&) {
      daemon.server().change_grants(grants);
      return 0;
    });
  };
  CHECK(mode() == 0600U);
  change({{.role = Role::read, .uids = {kReader}}});
  CHECK(mode() == 0666U);
  change({});
  CHECK(mode() == 0600U);
}
