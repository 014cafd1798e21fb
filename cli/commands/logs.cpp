#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/format/event_text.hpp"
#include "cli/levels.hpp"
#include "cli/streams.hpp"

namespace slopn::cli {
namespace {

struct LogsOptions {
  bool follow = false;
  unsigned lines = 50;
  std::string level;
  std::string contains;
};

struct LogLevelOptions {
  std::string level;
};

Outcome<ExitCode> logs(const Console& console, const LogsOptions& options)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  v1::WatchLogsRequest request;
  request.set_follow(options.follow);
  request.set_backlog(options.lines);
  request.set_level(level_of(options.level));
  request.set_contains(options.contains);
  return read_logs(*link, request, [&](const v1::WatchLogsResponse& line) {
    if (console.json()) {
      console.print_line(to_json(line));
    } else {
      console.out << log_text(line, console.out_style) << std::endl;
    }
    return console.out.good();  // otherwise nobody reads it any more
  });
}

Outcome<ExitCode> log_level(const Console& console, const LogLevelOptions& options)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  v1::SetLogLevelRequest request;
  request.set_level(level_of(options.level));
  const auto response = call(link->control(), &v1::Control::Stub::SetLogLevel, request);
  if (!response) return response.error();
  const std::string before = level_name(response->before());
  if (console.json()) {
    console.print(Json{{"level", options.level}, {"before", before}});
  } else {
    console.out << "slopnd logs from " << options.level << " on; before: " << before << '\n';
  }
  return ExitCode::ok;
}

}  // namespace

void add_logs(Group top)
{
  auto verb = top.verb<LogsOptions>("logs", "Show the log of slopnd", logs);
  verb.flag("-f,--follow", verb->follow, "Go on with what comes, until interrupted");
  verb.number("-n,--lines", verb->lines, "N",
              "How many of the last lines to begin with, as far as slopnd remembers them", 0U,
              100'000U)
      ->capture_default_str();
  verb.choice("--level", verb->level, "LEVEL",
              "Only lines of this level or above: debug, info, warn or error", level_words());
  verb.option("--grep", verb->contains, "TEXT",
              "Only lines with this in them, at most 256 bytes; no pattern")
      ->check([](const std::string& text) {
        return text.size() <= 256 ? std::string{} : std::string{"at most 256 bytes"};
      });
  verb.explain({.section = "Watching",
                .examples = {"slopnctl logs", "slopnctl logs -f --level warn",
                             "slopnctl logs -n 1000 --grep handshake --json"},
                .notes =
                    "These are the lines that slopnd holds in memory; journalctl -u slopnd has "
                    "older ones."});
}

void add_log_level(Group top)
{
  auto verb =
      top.verb<LogLevelOptions>("log-level", "Change what slopnd logs from now on", log_level);
  verb.choice("level", verb->level, "LEVEL", "debug, info, warn or error", level_words())
      ->required();
  verb.explain({.section = "Watching",
                .examples = {"slopnctl log-level debug", "slopnctl log-level info"},
                .notes = "Until slopnd is started anew; log.level in slopnd.toml is for ever."});
}

}  // namespace slopn::cli
