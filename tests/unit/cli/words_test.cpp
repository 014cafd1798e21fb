#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <set>

#include "cli/catalogue.hpp"
#include "cli/exit_code.hpp"
#include "cli/format/qr_code.hpp"
#include "cli/input.hpp"
#include "cli/suggest.hpp"
#include "google/rpc/status.pb.h"

namespace {

using namespace slopn;
using cli::ExitCode;
namespace v1 = slopn::control::v1;

std::string suggestion_for(std::vector<std::string> words)
{
  const cli::Catalogue catalogue;
  const auto slip = cli::find_slip(catalogue.app(), words);
  return slip ? slip->message + "; " + slip->suggestion : "";
}

grpc::Status status_with(grpc::StatusCode code, v1::ErrorReason reason)
{
  v1::ErrorDetail detail;
  detail.set_reason(reason);
  detail.set_message("what");
  detail.set_remedy("how");
  google::rpc::Status rich;
  rich.add_details()->PackFrom(detail);
  return {code, "what", rich.SerializeAsString()};
}

}  // namespace

TEST_CASE("words: a mistyped one brings the nearest", "[unit][cli]")
{
  CHECK(suggestion_for({"conect"}) == "there is no command 'conect'; did you mean 'connect'?");
  CHECK(suggestion_for({"stauts"}) == "there is no command 'stauts'; did you mean 'status'?");
  CHECK(suggestion_for({"speedtst", "--seconds", "conect"}) ==
        "there is no command 'speedtst'; did you mean 'speedtest'?");
  CHECK(suggestion_for({"logs", "--grep", "--jsno"}).empty());  // the value of an option
  CHECK(suggestion_for({"--socket", "x", "stat"}) ==
        "there is no command 'stat'; did you mean 'status'?");
  CHECK(suggestion_for({"profile", "lsit"}) == "there is no command 'lsit'; did you mean 'list'?");
  CHECK(suggestion_for({"status", "--jsno"}) ==
        "there is no option '--jsno'; did you mean '--json'?");
  CHECK(suggestion_for({"connect", "--timeut=5"}) ==
        "there is no option '--timeut'; did you mean '--timeout'?");
}

TEST_CASE("words: nothing is suggested for what is far from everything", "[unit][cli]")
{
  CHECK(suggestion_for({"frobnicate"}) == "there is no command 'frobnicate'; ");
  CHECK(suggestion_for({std::string(10'000, 'x')}).ends_with("'; "));
  CHECK(suggestion_for({"connect", "conect"}).empty());  // a profile may be called anything
  CHECK(suggestion_for({"gateway", "kick", "x"}).empty());
  CHECK(suggestion_for({}).empty());
}

TEST_CASE("exit codes: every reason has one, and a name of its own", "[unit][cli]")
{
  std::set<std::string> names;
  for (int number = 0; number <= static_cast<int>(Errc::data_corrupt); ++number) {
    const auto reason = static_cast<v1::ErrorReason>(number);
    CHECK(names.insert(cli::reason_name(reason)).second);
    CHECK(cli::reason_name(reason) != "unknown");
    CHECK(cli::exit_code_of(reason) != ExitCode::ok);
  }
  CHECK(cli::exit_code_of(v1::ERROR_REASON_AUTH_REJECTED) == ExitCode::auth_refused);
  CHECK(cli::exit_code_of(v1::ERROR_REASON_IDENTITY_MISMATCH) == ExitCode::auth_refused);
  CHECK(cli::exit_code_of(v1::ERROR_REASON_TIMED_OUT) == ExitCode::timed_out);
  CHECK(cli::exit_code_of(static_cast<v1::ErrorReason>(9999)) == ExitCode::failed);
  CHECK(cli::reason_name(static_cast<v1::ErrorReason>(9999)) == "unknown");
}

TEST_CASE("exit codes: a refused caller is told apart from a refused client", "[unit][cli]")
{
  using grpc::StatusCode;
  const auto caller =
      cli::to_failure(status_with(StatusCode::PERMISSION_DENIED, v1::ERROR_REASON_REFUSED));
  CHECK(caller.exit == ExitCode::not_permitted);
  CHECK(caller.reason == "not_permitted");
  CHECK(caller.message == "what");
  CHECK(caller.remedy == "how");
  const auto client =
      cli::to_failure(status_with(StatusCode::UNAUTHENTICATED, v1::ERROR_REASON_AUTH_REJECTED));
  CHECK(client.exit == ExitCode::auth_refused);
  CHECK(client.reason == "auth_rejected");
}

TEST_CASE("exit codes: what gRPC says by itself", "[unit][cli]")
{
  using grpc::Status;
  using grpc::StatusCode;
  CHECK(cli::to_failure(Status{StatusCode::UNAVAILABLE, "x"}).exit == ExitCode::daemon_unreachable);
  CHECK(cli::to_failure(Status{StatusCode::DEADLINE_EXCEEDED, "x"}).exit == ExitCode::timed_out);
  CHECK(cli::to_failure(Status{StatusCode::UNIMPLEMENTED, "x"}).exit == ExitCode::failed);
  CHECK(cli::to_failure(Status{StatusCode::PERMISSION_DENIED, "x"}).exit ==
        ExitCode::not_permitted);
  CHECK(cli::to_failure(Status{StatusCode::INTERNAL, "x", "no protobuf \xff"}).exit ==
        ExitCode::failed);
  // The gateway closed the tunnel: that is not the daemon that went away.
  CHECK(cli::to_failure(status_with(StatusCode::UNAVAILABLE, v1::ERROR_REASON_PEER_CLOSED)).exit ==
        ExitCode::failed);
  CHECK(cli::to_failure(status_with(StatusCode::UNAVAILABLE, v1::ERROR_REASON_UNSPECIFIED)).exit ==
        ExitCode::daemon_unreachable);
}

TEST_CASE("input: a URI is known by its scheme, in any case", "[unit][cli]")
{
  CHECK(cli::is_profile_uri("slopn://x"));
  CHECK(cli::is_profile_uri("SLOPN://x"));
  CHECK_FALSE(cli::is_profile_uri("slopn"));
  CHECK_FALSE(cli::is_profile_uri("slopn:/x"));
  CHECK_FALSE(cli::is_profile_uri("https://x"));
  CHECK_FALSE(cli::is_profile_uri(""));
}

TEST_CASE("qr: is square, with a quiet zone on all sides", "[unit][cli]")
{
  const auto code = cli::qr_code("slopn://vpn.example.org", cli::Style{cli::Colour::off});
  REQUIRE(code.has_value());
  std::vector<std::string> lines;
  for (std::size_t at = 0, end = 0; (end = code->lines.find('\n', at)) != std::string::npos;
       at = end + 1) {
    lines.push_back(code->lines.substr(at, end - at));
  }
  CHECK(lines.size() == (code->columns + 1) / 2);
  std::string full;
  for (unsigned i = 0; i < code->columns; ++i) full += "\u2588";
  CHECK(lines.front() == full);  // light, which is ink where there are no colours
  CHECK(lines[1] == full);
  CHECK(lines.back() == full);
}

TEST_CASE("qr: a text that does not fit is no code", "[unit][cli]")
{
  const cli::Style style{cli::Colour::off};
  CHECK(cli::qr_code(std::string(2953, 'x'), style).has_value());
  CHECK_FALSE(cli::qr_code(std::string(2954, 'x'), style).has_value());
  CHECK_FALSE(cli::qr_code("", style).has_value());
}
