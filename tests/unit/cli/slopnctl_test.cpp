// The real program against a fake daemon over a real socket: what it prints and how it ends.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "daemon/measure/measure_service.hpp"
#include "tests/unit/cli/json_schema.hpp"
#include "tests/unit/cli/run_slopnctl.hpp"
#include "tests/unit/control/client.hpp"
#include "tests/unit/control/fake_daemon.hpp"

namespace {

using namespace slopn;
using namespace std::chrono_literals;
using nlohmann::json;
using test::content_of;
using test::slopnctl;
using Instant = std::chrono::steady_clock;

daemon::Status connected()
{
  daemon::Connected state;
  state.profile = "home";
  state.interface_name = "slopn0";
  state.mtu_bytes = 1400;
  state.addresses = {*IpInterfaceAddress::parse("10.8.0.2/24")};
  return daemon::ClientStatus{state, {}, {}};
}

daemon::Status ended_with(Errc code)
{
  return daemon::ClientStatus{
      daemon::Disconnected{.reason = daemon::Problem{fail(code, "connect to home"), {}, "do this"}},
      {},
      {}};
}

daemon::Status retrying()
{
  daemon::Reconnecting state;
  state.profile = "home";
  state.reason.error = fail(Errc::unreachable, "reach 192.0.2.1");
  state.retry_at = daemon::WallClock::now() + 1h;
  return daemon::ClientStatus{state, {}, {}};
}

/// A tunnel whose gateway is this host: measurements go over the loopback interface.
daemon::Status measurable(const measure::MeasureService& service, const char* own_address)
{
  daemon::Connected state;
  state.interface_name = "lo";
  state.addresses = {*IpInterfaceAddress::parse(own_address)};
  state.measurement_endpoints = service.endpoints();
  return daemon::ClientStatus{state, {}, {}};
}

std::unique_ptr<measure::MeasureService> measure_service()
{
  for (std::uint16_t port = 42'100; port < 42'200; ++port) {
    auto started = measure::MeasureService::start({"lo", {*IpAddress::parse("127.0.0.1")}, port});
    if (started) return std::move(*started);
  }
  FAIL("no port is free");
  return nullptr;
}

void prepare(test::FakeDaemon& daemon, daemon::Status after_connect)
{
  daemon.on_control([&](auto& fake) {
    fake.after_connect = std::move(after_connect);
    return 0;
  });
}

}  // namespace

TEST_CASE("slopnctl: says that no daemon is there within milliseconds", "[unit][cli]")
{
  const test::TemporaryDir dir{0755};
  const auto before = Instant::now();
  const auto end = slopnctl({"--socket", (dir.path() / "none").string(), "status"});
  CHECK(Instant::now() - before < 1s);  // a busy machine; it takes about 10 ms
  CHECK(end.code == 3);
  CHECK(end.out.empty());
  CHECK(end.err.find("is slopnd running? systemctl start slopnd") != std::string::npos);
}

TEST_CASE("slopnctl: shows the status to people and to programs", "[unit][cli]")
{
  test::FakeDaemon daemon;
  daemon.on_control([](auto& fake) {
    fake.now = connected();
    return 0;
  });
  const auto people = slopnctl(daemon, {"status"});
  CHECK(people.code == 0);
  CHECK(people.out.starts_with("connected to home for "));
  CHECK(people.out.find("10.8.0.2/24") != std::string::npos);
  CHECK(people.out.find('\x1b') == std::string::npos);
  const auto programs = slopnctl(daemon, {"status", "--json"});
  CHECK(programs.code == 0);
  CHECK(json::parse(programs.out)["state"] == "connected");
}

TEST_CASE("slopnctl: connect waits and says where it got to", "[unit][cli]")
{
  test::FakeDaemon daemon;
  prepare(daemon, connected());
  const auto end = slopnctl(daemon, {"connect", "office"});
  CHECK(end.code == 0);
  CHECK(end.out == "connected to home: 10.8.0.2/24 on slopn0, MTU 1400\n");
  CHECK(end.err.empty());
  CHECK(daemon.on_control([](auto& fake) { return fake.asked; }) ==
        std::vector<std::string>{"connect office"});
}

TEST_CASE("slopnctl: connect takes a URI from the command line or from standard input",
          "[unit][cli]")
{
  test::FakeDaemon daemon;
  prepare(daemon, connected());
  CHECK(slopnctl(daemon, {"connect", "slopn://a"}).code == 0);
  CHECK(slopnctl(daemon, {"connect", "-"}, {.input = "slopn://b\n"}).code == 0);
  CHECK(daemon.on_control([](auto& fake) { return fake.asked; }) ==
        std::vector<std::string>{"connect slopn://a", "connect slopn://b"});
}

TEST_CASE("slopnctl: connect ends with a code of its own for every kind of end", "[unit][cli]")
{
  test::FakeDaemon daemon;
  prepare(daemon, ended_with(Errc::auth_rejected));
  const auto refused = slopnctl(daemon, {"connect"});
  CHECK(refused.code == 6);
  CHECK(refused.err == "slopnctl: connect to home: authentication refused\n  do this\n");
  prepare(daemon, ended_with(Errc::identity_mismatch));
  CHECK(slopnctl(daemon, {"connect"}).code == 6);
  prepare(daemon, ended_with(Errc::timed_out));
  CHECK(slopnctl(daemon, {"connect"}).code == 7);
  prepare(daemon, ended_with(Errc::platform_denied));
  CHECK(slopnctl(daemon, {"connect"}).code == 1);
  daemon.on_control([](auto& fake) {
    fake.failure = fail(Errc::not_found, "profile 'x'");
    return 0;
  });
  const auto unknown = slopnctl(daemon, {"connect", "x", "--json"});
  CHECK(unknown.code == 1);
  CHECK(unknown.err.empty());
  CHECK(json::parse(unknown.out)["error"]["code"] == "not_found");
}

TEST_CASE("slopnctl: connect gives up after its timeout and says what the trouble is",
          "[unit][cli]")
{
  test::FakeDaemon daemon;
  prepare(daemon, retrying());
  const auto end = slopnctl(daemon, {"connect", "--timeout", "1"});
  CHECK(end.code == 7);
  CHECK(end.err.find("not connected to home after 1 s: reach 192.0.2.1: unreachable") !=
        std::string::npos);
  CHECK(end.err.find("slopnctl disconnect") != std::string::npos);
  const auto at_once = slopnctl(daemon, {"connect", "--no-wait"});
  CHECK(at_once.code == 0);
  CHECK(at_once.out == "connecting to home\n");
}

TEST_CASE("slopnctl: disconnect waits for the end", "[unit][cli]")
{
  test::FakeDaemon daemon;
  daemon.on_control([](auto& fake) {
    fake.now = connected();
    return 0;
  });
  const auto end = slopnctl(daemon, {"disconnect"});
  CHECK(end.code == 0);
  CHECK(end.out == "disconnected\n");
  CHECK(json::parse(slopnctl(daemon, {"disconnect", "--json"}).out)["state"] == "disconnected");
}

TEST_CASE("slopnctl: another user is told what to do", "[unit][cli]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  constexpr uid_t kStranger = 54'321;
  test::FakeDaemon daemon{{.group = ""}};
  const auto kept_out = slopnctl(daemon, {"status"}, {.uid = kStranger});
  CHECK(kept_out.code == 4);
  CHECK(kept_out.err.find("usermod -aG slopn") != std::string::npos);

  // The file lets it in; the daemon does not.
  REQUIRE(::chmod(daemon.socket_path().c_str(), 0666) == 0);
  const auto refused = slopnctl(daemon, {"status"}, {.uid = kStranger});
  CHECK(refused.code == 4);
  CHECK(refused.err.find("GetStatus needs the role read, and uid 54321 has no role") !=
        std::string::npos);
  CHECK(refused.err.find("[[control.grants]]") != std::string::npos);
  const auto programs = slopnctl(daemon, {"status", "--json"}, {.uid = kStranger});
  CHECK(json::parse(programs.out)["error"]["code"] == "not_permitted");
}

TEST_CASE("slopnctl: does not talk to somebody who only claims to be slopnd", "[unit][cli]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  const test::TemporaryDir dir{0755};
  const auto path = dir.path() / "slopnd.sock";
  const UniqueFd impostor{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(impostor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::seteuid(54'321) == 0);  // whoever calls listen() is noted
  REQUIRE(::listen(impostor.get(), 1) == 0);
  REQUIRE(::seteuid(0) == 0);

  const auto end = slopnctl({"--socket", path.string(), "status", "--json"});
  CHECK(end.code == 3);
  CHECK(json::parse(end.out)["error"]["code"] == "impostor");
}

TEST_CASE("slopnctl: a daemon that only hangs up is unreachable, not a crash", "[unit][cli]")
{
#ifdef __SANITIZE_THREAD__
  SKIP("gRPC is not built with ThreadSanitizer, and slopnctl runs it here");
#endif
  const test::TemporaryDir dir{0755};
  const auto path = dir.path() / "slopnd.sock";
  const UniqueFd deaf{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(deaf.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(deaf.get(), 1) == 0);
  std::thread hang_up{[&] {
    const UniqueFd caller{::accept4(deaf.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    (void)::send(caller.get(), "HTTP/1.1 400 no\r\n\r\n", 19, MSG_NOSIGNAL);
  }};
  const auto end = slopnctl({"--socket", path.string(), "status"});
  hang_up.join();
  CHECK(end.code == 3);
}

TEST_CASE("slopnctl: a mistyped command is usage, with the right one", "[unit][cli]")
{
  const auto end = slopnctl({"conect"});
  CHECK(end.code == 2);
  CHECK(end.err == "slopnctl: there is no command 'conect'\n  did you mean 'connect'?\n");
  CHECK(slopnctl({}).code == 2);
  CHECK(slopnctl({"connect", "--timeout", "soon"}).code == 2);
  CHECK(slopnctl({"connect", "--timeout", "-1"}).code == 2);
  CHECK(slopnctl({"profile"}).code == 2);
  CHECK(slopnctl({"gateway", "kick"}).code == 2);
  CHECK(json::parse(slopnctl({"conect", "--json"}).out)["error"]["exit_code"] == 2);
}

TEST_CASE("slopnctl: profiles from a file, from standard input and from a URI", "[unit][cli]")
{
  test::FakeDaemon daemon;
  const test::TemporaryDir dir{0755};
  const auto file = (dir.path() / "office.toml").string();
  std::ofstream{file} << "gateway = 'x'\n";
  CHECK(slopnctl(daemon, {"profile", "list"}).out.starts_with("no profiles"));
  CHECK(slopnctl(daemon, {"profile", "import", file, "--name", "office"}).code == 0);
  CHECK(slopnctl(daemon, {"profile", "import", "-"}, {.input = "slopn://b\n"}).code == 0);
  const auto taken = slopnctl(daemon, {"profile", "import", "slopn://c"});
  CHECK(taken.code == 1);
  CHECK(taken.err.find("--replace") != std::string::npos);
  CHECK(slopnctl(daemon, {"profile", "import", "slopn://c", "--replace"}).code == 0);
  CHECK(daemon.on_control([](auto& fake) { return fake.asked.front(); }) ==
        "import gateway = 'x'\n");

  const auto list = json::parse(slopnctl(daemon, {"profile", "list", "--json"}).out);
  CHECK(list.at("profiles").size() == 2);
  const auto shown = slopnctl(daemon, {"profile", "show", "office"});
  CHECK(shown.out.find("vpn.example.org:443") != std::string::npos);
  CHECK(slopnctl(daemon, {"profile", "remove", "office"}).code == 0);
  CHECK(slopnctl(daemon, {"profile", "show", "office"}).code == 1);
  CHECK(slopnctl(daemon, {"profile", "import", "/nonexistent"}).code == 1);
  CHECK(slopnctl(daemon, {"profile", "import", "-"}, {.input = std::string(70'000, 'x')}).code ==
        1);
}

TEST_CASE("slopnctl: a gateway's sessions are listed, across pages, and kicked", "[unit][cli]")
{
  test::FakeDaemon daemon;
  daemon.on_control([](auto& fake) {
    fake.sessions.resize(2500);
    for (std::size_t i = 0; i < fake.sessions.size(); ++i) fake.sessions[i].id = i + 1;
    fake.sessions[0].client = "laptop";
    return 0;
  });
  const auto listed = slopnctl(daemon, {"gateway", "sessions", "--json"});
  REQUIRE(listed.code == 0);
  CHECK(json::parse(listed.out).at("sessions").size() == 2500);
  const auto shown = slopnctl(daemon, {"gateway", "sessions"});
  CHECK(shown.err == "");
  CHECK(shown.out.starts_with("ID    CLIENT  "));
  CHECK(test::schema_errors(json::parse(listed.out), "session-list.json") ==
        std::vector<std::string>{});
  const auto kicked = json::parse(slopnctl(daemon, {"gateway", "kick", "2", "--json"}).out);
  CHECK(test::schema_errors(kicked, "kick.json") == std::vector<std::string>{});
  CHECK(slopnctl(daemon, {"gateway", "kick", "laptop"}).out == "ended 1 session\n");
  CHECK(slopnctl(daemon, {"gateway", "kick", "laptop"}).code == 1);
}

TEST_CASE("slopnctl: an invitation is a URI alone when it is piped", "[unit][cli]")
{
  test::FakeDaemon daemon;
  const auto piped = slopnctl(daemon, {"gateway", "invite", "laptop"});
  CHECK(piped.code == 0);
  CHECK(piped.out == "slopn://vpn.example.org/?name=laptop\n");
  const auto with_code = slopnctl(daemon, {"gateway", "invite", "laptop", "--qr"});
  CHECK(with_code.out.find("\u2588\u2588\u2588") != std::string::npos);
  const auto programs = json::parse(
      slopnctl(daemon, {"gateway", "invite", "laptop", "--key", "ed25519:x", "--json"}).out);
  CHECK(programs.at("public_key") == "ed25519:x");
  CHECK(test::schema_errors(programs, "invite.json") == std::vector<std::string>{});
  CHECK(programs.at("uri") == "slopn://vpn.example.org/?name=laptop");
}

TEST_CASE("slopnctl: keygen writes a key only its owner can read, and never over another",
          "[unit][cli]")
{
  const test::TemporaryDir dir{0755};
  const auto path = (dir.path() / "client.key").string();
  const auto end = slopnctl({"keygen", "--out", path, "--json"});
  CHECK(end.code == 0);
  CHECK(json::parse(end.out)["public_key"].get<std::string>().starts_with("ed25519:"));
  CHECK(json::parse(end.out)["private_key_path"] == path);
  const auto pem = content_of(path);
  CHECK(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);

  CHECK(slopnctl({"keygen", "--out", path}).code == 1);
  CHECK(content_of(path) == pem);
  CHECK(slopnctl({"keygen", "--out", path, "--force"}).code == 0);
  CHECK(content_of(path) != pem);

  const auto piped = slopnctl({"keygen", "--out", "-"});
  CHECK(piped.out.starts_with("-----BEGIN PRIVATE KEY-----\n"));
  CHECK(piped.err.starts_with("public key: ed25519:"));
}

TEST_CASE("slopnctl: version answers with and without a daemon", "[unit][cli]")
{
  test::FakeDaemon daemon{{.version = {.version = "9.8.7"}}};
  const auto both = json::parse(slopnctl(daemon, {"version", "--json"}).out);
  CHECK(both.at("daemon")["version"] == "9.8.7");
  CHECK(both.at("client")["version"].get<std::string>().size() >= 5);
  const auto alone = slopnctl({"--socket", "/nonexistent/x", "version", "--json"});
  CHECK(alone.code == 0);
  CHECK(json::parse(alone.out)["daemon"].is_null());
}

TEST_CASE("slopnctl: ping and speedtest measure what the daemon names", "[unit][cli]")
{
  const auto service = measure_service();
  test::FakeDaemon daemon;
  daemon.on_control([&](auto& fake) {
    fake.change(measurable(*service, "127.0.0.1/8"));
    return 0;
  });
  const auto ping = slopnctl(daemon, {"ping", "-c", "3", "-i", "0.01", "--json"});
  CHECK(ping.code == 0);
  CHECK(json::parse(ping.out)["packets_lost"] == 0);
  CHECK(test::schema_errors(json::parse(ping.out), "ping.json") == std::vector<std::string>{});
  const auto speed = slopnctl(daemon, {"speedtest", "--seconds", "1", "--streams", "2", "--json"});
  CHECK(speed.code == 0);
  CHECK(speed.err.empty());
  const auto result = json::parse(speed.out);
  CHECK(test::schema_errors(result, "speedtest.json") == std::vector<std::string>{});
  CHECK(result["download"]["rate_bits_per_s"] > 0);
  CHECK(result["upload"]["rate_bits_per_s"] > 0);
}

TEST_CASE("slopnctl: measures nothing beside the tunnel", "[unit][cli]")
{
  const auto service = measure_service();
  test::FakeDaemon daemon;
  daemon.on_control([&](auto& fake) {
    fake.change(measurable(*service, "10.8.0.2/24"));  // and loopback is not that
    return 0;
  });
  for (const char* command : {"ping", "speedtest"}) {
    const auto ended = slopnctl(daemon, {command});
    CHECK(ended.code == 1);
    CHECK(ended.err.find("does not lead through") != std::string::npos);
  }
}

TEST_CASE("slopnctl: measuring needs a tunnel and a gateway that offers it", "[unit][cli]")
{
  test::FakeDaemon daemon;
  for (const char* command : {"ping", "speedtest"}) {
    const auto ended = slopnctl(daemon, {command});
    CHECK(ended.code == 5);
    CHECK(ended.err.find("slopnctl connect") != std::string::npos);
  }
  daemon.on_control([](auto& fake) {
    fake.change(connected());
    return 0;
  });
  const auto ended = slopnctl(daemon, {"speedtest", "--json"});
  CHECK(ended.code == 1);
  CHECK(json::parse(ended.out)["error"]["code"] == "not_offered");
}

TEST_CASE("slopnctl: measurements have their limits", "[unit][cli]")
{
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"speedtest", "--seconds", "0"},
        {"speedtest", "--seconds", "61"},
        {"speedtest", "--streams", "17"},
        {"ping", "-i", "0"},
        {"ping", "-c", "-1"}}) {
    CHECK(slopnctl(wrong).code == 2);
  }
}

// Not a test: ask for it with its tag.
TEST_CASE("slopnctl: how long status takes", "[.bench][cli]")
{
  test::FakeDaemon daemon;
  std::vector<double> ms;
  for (int i = 0; i < 51; ++i) {
    const auto before = Instant::now();
    CHECK(slopnctl(daemon, {"status", "--json"}).code == 0);
    ms.push_back(std::chrono::duration<double, std::milli>(Instant::now() - before).count());
  }
  std::sort(ms.begin(), ms.end());
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  WARN("median " << ms[25] << " ms, largest " << ms.back() << " ms, memory " << usage.ru_maxrss
                 << " KiB");
}
