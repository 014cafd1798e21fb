#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/control/client.hpp"
#include "tests/unit/control/fake_daemon.hpp"

namespace {

using namespace slopn;
using namespace std::chrono_literals;
namespace v1 = slopn::control::v1;
using Instant = std::chrono::steady_clock;

#ifdef __SANITIZE_ADDRESS__
constexpr auto kLongestStop = 10s;  // the figure is for the program that ships
#else
constexpr auto kLongestStop = 1s;
#endif

daemon::Status connecting(std::string profile, std::uint32_t attempt)
{
  return daemon::ClientStatus{
      .state = daemon::Connecting{std::move(profile), attempt}, .traffic = {}, .smoothed_rtt = {}};
}

void send_bytes(const UniqueFd& socket, std::string_view bytes)
{
  (void)::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

/// How much comes before the other end closes.
std::size_t bytes_until_closed(const UniqueFd& socket)
{
  timeval patience{10, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::fcntl(socket.get(), F_SETFL, 0);
  std::size_t total = 0;
  char bytes[256];
  ssize_t size = 0;
  while ((size = ::recv(socket.get(), bytes, sizeof bytes, 0)) > 0)
    total += static_cast<std::size_t>(size);
  CHECK(size == 0);
  return total;
}

/// Both ends of every connection are in this process.
void allow_descriptors(rlim_t wanted)
{
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

TEST_CASE("control: a watcher gets the present status first, then every change", "[unit][control]")
{
  test::FakeDaemon daemon;
  daemon.on_control([](auto& fake) {
    fake.now = connecting("home", 7);
    return 0;
  });
  test::Client client{test::connect_socket(daemon.socket_path())};
  test::Context context;
  auto watch = client.control->WatchStatus(&context, {});

  v1::WatchStatusResponse change;
  REQUIRE(watch->Read(&change));
  CHECK(change.status().client().connecting().attempt() == 7);
  for (std::uint32_t attempt = 8; attempt < 20; ++attempt) {
    daemon.on_control([attempt](auto& fake) {
      fake.change(connecting("home", attempt));
      return 0;
    });
    REQUIRE(watch->Read(&change));
    CHECK(change.status().client().connecting().attempt() == attempt);
    CHECK(change.missed() == 0);
  }
}

TEST_CASE("control: a slow reader misses changes, is told so, and still gets the last one",
          "[unit][control]")
{
  constexpr std::uint32_t kChanges = 20'000;
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  test::Context context;
  auto watch = client.control->WatchStatus(&context, {});
  v1::WatchStatusResponse change;
  REQUIRE(watch->Read(&change));

  const std::string long_name(1000, 'n');  // 20 MB in all: more than any window on the way
  daemon.on_control([&](auto& fake) {
    for (std::uint32_t attempt = 1; attempt <= kChanges; ++attempt) {
      fake.change(connecting(long_name, attempt));
    }
    return 0;
  });

  std::uint64_t read = 0;
  std::uint64_t missed = 0;
  std::uint32_t last = 0;
  while (last < kChanges) {
    REQUIRE(watch->Read(&change));
    const auto attempt = change.status().client().connecting().attempt();
    CHECK(attempt == last + change.missed() + 1);
    last = attempt;
    ++read;
    missed += change.missed();
  }
  CHECK(read + missed == kChanges);
  CHECK(missed > 0);
}

TEST_CASE("control: stopping ends watchers, slow readers and unanswered calls within a second",
          "[unit][control]")
{
  test::FakeDaemon daemon;
  daemon.on_control([](auto& fake) {
    fake.answers_sessions = false;
    return 0;
  });
  test::Client client{test::connect_socket(daemon.socket_path())};

  test::Context watching;
  auto watch = client.control->WatchStatus(&watching, {});
  v1::WatchStatusResponse change;
  REQUIRE(watch->Read(&change));

  test::Client other{test::connect_socket(daemon.socket_path())};
  test::Context reading_slowly;
  auto slow = other.control->WatchStatus(&reading_slowly, {});
  REQUIRE(slow->Read(&change));
  const std::string long_name(30'000, 'n');
  daemon.on_control([&](auto& fake) {
    for (std::uint32_t attempt = 1; attempt < 2000; ++attempt) {
      fake.change(connecting(long_name, attempt));
    }
    return 0;
  });

  grpc::Status unanswered;
  std::thread waiting{[&] {
    test::Context context;
    v1::ListSessionsResponse response;
    unanswered = client.gateway->ListSessions(&context, {}, &response);
  }};
  while (!daemon.on_control([](auto& fake) { return fake.keeps_replies(); })) {
    std::this_thread::yield();
  }

  const auto before = Instant::now();
  daemon.stop();
  CHECK(Instant::now() - before < kLongestStop);
  waiting.join();
  CHECK(unanswered.error_code() == grpc::StatusCode::UNAVAILABLE);
  while (watch->Read(&change)) {
  }
  CHECK(watch->Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK_FALSE(std::filesystem::exists(daemon.socket_path()));
}

TEST_CASE("control: garbage on the socket harms nobody", "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client good{test::connect_socket(daemon.socket_path())};
  REQUIRE(test::ask_status(good).ok());

  std::mt19937 random{1};  // NOLINT: the same bytes in every run
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  std::vector<std::string> garbage{"",
                                   "\n",
                                   "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                   preface.substr(0, 10),
                                   preface,
                                   preface + std::string(9, '\xff'),
                                   preface + std::string(100'000, '\0')};
  for (int i = 0; i < 40; ++i) {
    std::string bytes(random() % 5000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    garbage.push_back(i % 2 == 0 ? bytes : preface + bytes);
  }
  std::vector<UniqueFd> kept;
  for (const auto& bytes : garbage) {
    auto socket = test::connect_socket(daemon.socket_path());
    REQUIRE(socket);
    send_bytes(socket, bytes);
    if (random() % 2 == 0) kept.push_back(std::move(socket));
  }
  CHECK(test::ask_status(good).ok());
}

TEST_CASE("control: a message of more than 256 KiB is refused", "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  test::Context context;
  v1::ImportProfileRequest request;
  request.set_text(std::string(270'000, 'x'));
  v1::ImportProfileResponse response;
  const auto status = client.control->ImportProfile(&context, request, &response);
  CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(daemon.on_control([](auto& fake) { return fake.asked.empty(); }));
}

TEST_CASE("control: ten thousand connections leave those that work working", "[unit][control]")
{
  allow_descriptors(16'384);
  test::FakeDaemon daemon;
  test::Client good{test::connect_socket(daemon.socket_path())};
  REQUIRE(test::ask_status(good).ok());

  std::vector<UniqueFd> crowd;
  for (int i = 0; i < 10'000; ++i) {
    auto socket = test::connect_socket(daemon.socket_path());
    REQUIRE(socket);
    if (i % 2 == 0) send_bytes(socket, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    crowd.push_back(std::move(socket));
  }
  CHECK(test::ask_status(good).ok());

  crowd.clear();
  // gRPC notices in its own time that they are gone; then there is room again.
  const auto give_up = Instant::now() + 10s;
  grpc::Status again;
  do {
    test::Client late{test::connect_socket(daemon.socket_path())};
    again = test::ask_status(late);
  } while (!again.ok() && Instant::now() < give_up);
  CHECK(again.ok());
}

TEST_CASE("control: who has too many connections is told so, and root still gets in",
          "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  constexpr uid_t kNobody = 65'534;
  control::ControlOptions options{.group = "nogroup"};
  options.limits.connections_per_user = 3;
  test::FakeDaemon daemon{options};
  REQUIRE(::chmod(daemon.socket_path().c_str(), 0666) == 0);

  std::vector<std::unique_ptr<test::Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<test::Client>(
        test::connect_socket_as({kNobody, kNobody}, daemon.socket_path())));
    CHECK(test::ask_status(*clients.back()).ok());
  }
  test::Client fourth{test::connect_socket_as({kNobody, kNobody}, daemon.socket_path())};
  const auto status = test::ask_status(fourth);
  CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(status.error_message() == "uid 65534 has 3 connections to slopnd open");

  test::Client root{test::connect_socket(daemon.socket_path())};
  CHECK(test::ask_status(root).ok());
}

TEST_CASE("control: a connection without calls is closed after a while", "[unit][control]")
{
  control::ControlOptions options;
  options.limits.idle_time = 50ms;
  test::FakeDaemon daemon{options};
  const auto idle = test::connect_socket(daemon.socket_path());
  REQUIRE(idle);
  const std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  send_bytes(idle, std::string{preface} + std::string{"\0\0\0\4\0\0\0\0\0", 9});
  CHECK(bytes_until_closed(idle) > 0);
}

TEST_CASE("control: who says nothing at all is closed sooner, without a word", "[unit][control]")
{
  control::ControlOptions options;
  options.limits.first_byte_time = 50ms;
  test::FakeDaemon daemon{options};
  const auto silent = test::connect_socket(daemon.socket_path());
  REQUIRE(silent);
  CHECK(bytes_until_closed(silent) == 0);
}

TEST_CASE("control: who speaks late, but in time, is served", "[unit][control]")
{
  test::FakeDaemon daemon;
  auto socket = test::connect_socket(daemon.socket_path());
  REQUIRE(socket);
  // Whoever comes later and is served shows that this one waits.
  test::Client other{test::connect_socket(daemon.socket_path())};
  REQUIRE(test::ask_status(other).ok());
  test::Client late{std::move(socket)};
  CHECK(test::ask_status(late).ok());
}

TEST_CASE("control: of the silent ones, those who wait longest make room", "[unit][control]")
{
  test::FakeDaemon daemon;
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 65; ++i) silent.push_back(test::connect_socket(daemon.socket_path()));
  CHECK(bytes_until_closed(silent.front()) == 0);
  test::Client late{std::move(silent.back())};
  CHECK(test::ask_status(late).ok());
}

TEST_CASE("control: a user watches so many streams, on all connections, and root is not counted in",
          "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  constexpr uid_t kUser = 54'321;
  control::ControlOptions options{.group = "",
                                  .grants = {{.role = daemon::Role::read, .uids = {kUser}}}};
  options.limits.streams_per_user = 3;
  test::FakeDaemon daemon{options};
  struct Watch {
    explicit Watch(test::Client& client) : reader(client.control->WatchStatus(&context, {}))
    {
      stands = reader->Read(&change);
    }
    test::Context context;
    v1::WatchStatusResponse change;
    std::unique_ptr<grpc::ClientReader<v1::WatchStatusResponse>> reader;
    bool stands = false;
  };
  test::Client one{test::connect_socket_as({kUser, kUser}, daemon.socket_path())};
  test::Client two{test::connect_socket_as({kUser, kUser}, daemon.socket_path())};
  Watch first{one};
  Watch second{one};
  Watch third{two};
  CHECK(third.stands);
  Watch fourth{two};
  CHECK_FALSE(fourth.stands);
  const auto status = fourth.reader->Finish();
  CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(status.error_message() == "uid 54321 watches 3 streams already");
  CHECK(test::ask_status(two).ok());  // other calls go on

  test::Client root{test::connect_socket(daemon.socket_path())};
  Watch of_root{root};
  CHECK(of_root.stands);
  // When one ends there is room again.
  first.context.TryCancel();
  const auto give_up = Instant::now() + 10s;
  bool again = false;
  while (!again && Instant::now() < give_up) again = Watch{two}.stands;
  CHECK(again);
}

TEST_CASE("control: callers without a role cannot take the others' places", "[unit][control]")
{
  if (::geteuid() != 0) SKIP("needs root to become somebody else");
  constexpr uid_t kUser = 54'321;
  constexpr uid_t kStranger = 54'322;
  test::FakeDaemon daemon{{.group = "", .grants = {{.role = daemon::Role::read, .uids = {kUser}}}}};
  std::vector<std::unique_ptr<test::Client>> strangers;
  for (uid_t i = 0; i < 200; ++i) {
    const uid_t uid = kStranger + i % 40;
    strangers.push_back(
        std::make_unique<test::Client>(test::connect_socket_as({uid, uid}, daemon.socket_path())));
  }
  test::Client user{test::connect_socket_as({kUser, kUser}, daemon.socket_path())};
  CHECK(test::ask_status(user).ok());
}

TEST_CASE("control: callers that die in the middle of a stream leave nothing behind",
          "[unit][control]")
{
  test::FakeDaemon daemon;
  for (int i = 0; i < 200; ++i) {
    test::Client client{test::connect_socket(daemon.socket_path())};
    test::Context context;
    auto watch = client.control->WatchStatus(&context, {});
    v1::WatchStatusResponse change;
    if (i % 2 == 0) CHECK(watch->Read(&change));
    context.TryCancel();
  }
  daemon.on_control([](auto& fake) {
    fake.change(connecting("home", 1));
    return 0;
  });
  test::Client good{test::connect_socket(daemon.socket_path())};
  CHECK(test::ask_status(good).ok());
}
