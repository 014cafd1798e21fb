#include <unistd.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <thread>

#include "daemon/control/log_ring.hpp"
#include "tests/unit/control/client.hpp"
#include "tests/unit/control/fake_daemon.hpp"

namespace {

using namespace slopn;
namespace v1 = slopn::control::v1;

v1::WatchLogsRequest last_lines(std::uint32_t count)
{
  v1::WatchLogsRequest request;
  request.set_backlog(count);
  return request;
}

v1::WatchLogsRequest follow()
{
  v1::WatchLogsRequest request;
  request.set_follow(true);
  return request;
}

std::vector<std::string> messages(test::Client& client, const v1::WatchLogsRequest& request)
{
  test::Context context;
  auto reader = client.control->WatchLogs(&context, request);
  std::vector<std::string> lines;
  v1::WatchLogsResponse line;
  while (reader->Read(&line)) lines.push_back(line.message());
  CHECK(reader->Finish().ok());
  return lines;
}

/// A WatchLogs call that follows: it stands when the line "begin" has come.
struct Follow {
  Follow(test::FakeDaemon& daemon, test::Client& client, const v1::WatchLogsRequest& request)
      : reader(client.control->WatchLogs(&context, request))
  {
    // A call that is not there yet sees nothing of it, so it is repeated until one comes.
    std::atomic<bool> stands{false};
    std::thread herald{[&] {
      while (!stands) {
        daemon.log().error("begin");
        ++heralded;
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
      }
    }};
    v1::WatchLogsResponse line;
    while (reader->Read(&line) && line.message() != "begin") {
    }
    ++heralds_read;
    stands = true;
    herald.join();
  }
  /// The next line that is not one of the first.
  v1::WatchLogsResponse next()
  {
    for (v1::WatchLogsResponse line; reader->Read(&line);) {
      if (line.message() != "begin") return line;
      ++heralds_read;
    }
    FAIL("the stream has ended");
    return {};
  }

  test::Context context;
  std::unique_ptr<grpc::ClientReader<v1::WatchLogsResponse>> reader;
  std::uint64_t heralded = 0;
  std::uint64_t heralds_read = 0;
};

}  // namespace

TEST_CASE("log ring: remembers the last lines within its limits", "[unit][control]")
{
  auto ring = std::make_shared<control::LogRing>(
      control::LogLimits{.lines = 3, .bytes = 1000, .line_bytes = 10});
  spdlog::logger log{"test", ring};
  CHECK(ring->lines_after(0).empty());
  for (int i = 1; i <= 5; ++i) log.info("line {} and more", i);
  const auto lines = ring->lines_after(0);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]->number == 3);
  CHECK(lines[2]->number == 5);
  CHECK(lines[2]->text == "line 5 and");
  CHECK(ring->lines_after(4).size() == 1);
  CHECK(ring->lines_after(5).empty());
}

TEST_CASE("log ring: keeps the newest line whatever its size", "[unit][control]")
{
  auto ring = std::make_shared<control::LogRing>(
      control::LogLimits{.lines = 100, .bytes = 50, .line_bytes = 100});
  spdlog::logger log{"test", ring};
  log.info("short");
  log.info(std::string(80, 'x'));
  REQUIRE(ring->lines_after(0).size() == 1);
  CHECK(ring->lines_after(0)[0]->text.size() == 80);
}

TEST_CASE("log ring: tells once that there is something new", "[unit][control]")
{
  auto ring = std::make_shared<control::LogRing>();
  spdlog::logger log{"test", ring};
  int told = 0;
  ring->notify_once([&] { ++told; });
  log.info("a");
  log.info("b");
  CHECK(told == 1);
  ring->notify_once([&] { ++told; });
  log.info("c");
  CHECK(told == 2);
}

TEST_CASE("logs: the last lines come in order, then the stream ends", "[unit][control]")
{
  test::FakeDaemon daemon;
  for (int i = 1; i <= 5; ++i) daemon.log().info("line {}", i);
  test::Client client{test::connect_socket(daemon.socket_path())};
  CHECK(messages(client, last_lines(2)) == std::vector<std::string>{"line 4", "line 5"});
  CHECK(messages(client, last_lines(0)).empty());
  // The calls before have left their own lines in it.
  const auto all = messages(client, last_lines(4'000'000'000));
  REQUIRE(all.size() >= 7);
  CHECK(all[0] == "line 1");
  CHECK(all[5].starts_with("audit: "));
}

TEST_CASE("logs: level and text choose the lines, of the past and of what comes", "[unit][control]")
{
  test::FakeDaemon daemon;
  daemon.log().warn("tunnel: old warning");
  daemon.log().info("tunnel: old information");
  daemon.log().error("other: old error");
  test::Client client{test::connect_socket(daemon.socket_path())};
  auto request = last_lines(100);
  request.set_level(v1::LOG_LEVEL_WARN);
  CHECK(messages(client, request) ==
        std::vector<std::string>{"tunnel: old warning", "other: old error"});
  request.set_contains("tunnel");
  CHECK(messages(client, request) == std::vector<std::string>{"tunnel: old warning"});

  auto coming = follow();
  coming.set_level(v1::LOG_LEVEL_WARN);
  Follow stream{daemon, client, coming};
  daemon.log().info("too little");
  daemon.log().warn("enough");
  const auto line = stream.next();
  CHECK(line.message() == "enough");
  CHECK(line.level() == v1::LOG_LEVEL_WARN);
  CHECK(line.time().seconds() > 0);
}

TEST_CASE("logs: a filter that is too long, or a level that nobody knows, is refused by name",
          "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  auto request = follow();
  request.set_contains(std::string(257, 'x'));
  request.set_level(static_cast<v1::LogLevel>(99));
  test::Context context;
  auto reader = client.control->WatchLogs(&context, request);
  v1::WatchLogsResponse line;
  CHECK_FALSE(reader->Read(&line));
  const auto status = reader->Finish();
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  const auto fields = test::detail_as<google::rpc::BadRequest>(status);
  REQUIRE(fields.field_violations_size() == 2);
  CHECK(fields.field_violations(0).field() == "level");
  CHECK(fields.field_violations(1).field() == "contains");
}

TEST_CASE("logs: the level changes at once, and the answer says what it was", "[unit][control]")
{
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  Follow stream{daemon, client, follow()};
  daemon.log().debug("not yet");
  const auto set = [&](v1::LogLevel level) {
    test::Context context;
    v1::SetLogLevelRequest request;
    request.set_level(level);
    v1::SetLogLevelResponse response;
    const auto status = client.control->SetLogLevel(&context, request, &response);
    return std::pair{status.error_code(), response.before()};
  };
  CHECK(set(v1::LOG_LEVEL_DEBUG) == std::pair{grpc::StatusCode::OK, v1::LOG_LEVEL_INFO});
  daemon.log().debug("now");
  CHECK(stream.next().message().find("call=SetLogLevel level=LOG_LEVEL_DEBUG result=OK") !=
        std::string::npos);
  CHECK(stream.next().message() == "now");
  CHECK(set(v1::LOG_LEVEL_ERROR).second == v1::LOG_LEVEL_DEBUG);
  // The audit log is written whatever the level.
  CHECK(stream.next().message().starts_with("audit: "));
  daemon.log().warn("too little");
  daemon.log().error("enough");
  CHECK(stream.next().message() == "enough");
  CHECK(set(v1::LOG_LEVEL_UNSPECIFIED).first == grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_CASE("logs: a reader that does not read is told how many lines it missed", "[unit][control]")
{
  constexpr int kLines = 20'000;
  test::FakeDaemon daemon;
  test::Client client{test::connect_socket(daemon.socket_path())};
  Follow stream{daemon, client, follow()};
  const std::string long_text(1000, 'x');
  for (int i = 0; i < kLines; ++i) daemon.log().info("{} {}", i, long_text);
  daemon.log().info("last");
  std::uint64_t seen = 0;
  std::uint64_t missed = 0;
  for (;;) {
    const auto line = stream.next();
    missed += line.missed();
    if (line.message() == "last") break;
    ++seen;
  }
  CHECK(missed > 0);
  // Heralds that nobody has read may be among those that were missed.
  CHECK(seen + missed >= kLines);
  CHECK(seen + missed <= kLines + stream.heralded - stream.heralds_read);
}

TEST_CASE("logs: bytes that are no text arrive as text", "[unit][control]")
{
  test::FakeDaemon daemon;
  daemon.log().info("a\xff\x1b[31mb");
  test::Client client{test::connect_socket(daemon.socket_path())};
  const auto lines = messages(client, last_lines(1));
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find('\x1b') == std::string::npos);
  CHECK(lines[0].starts_with("a\xEF\xBF\xBD"));
}
