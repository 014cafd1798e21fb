#include "cli/format/event_text.hpp"

#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/streams.hpp"

namespace slopn::cli {
namespace {

struct EventsOptions {
  std::optional<std::uint64_t> since;
  std::string run_id;
  bool follow = true;
};

void print(const Console& console, const v1::WatchEventsResponse& item)
{
  if (console.json()) return console.print_line(to_json(item));
  const std::string text = event_text(item, console.out_style);
  if (!text.empty()) console.out << text << std::endl;
}

Outcome<ExitCode> events(const Console& console, const EventsOptions& options)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  v1::WatchEventsRequest request;
  // Without --since there would be nothing to show that has happened already.
  if (options.since || !options.follow) request.set_after_sequence(options.since.value_or(0));
  request.set_run_id(options.run_id);
  return read_events(*link, request, options.follow ? Until::interrupted : Until::present,
                     [&](const v1::WatchEventsResponse& item) {
                       print(console, item);
                       return console.out.good();  // otherwise nobody reads it any more
                     });
}

}  // namespace

void add_events(Group top)
{
  auto verb = top.verb<EventsOptions>("events", "Show what happens to slopnd", events);
  verb.option("--since", verb->since, "SEQ",
              "Begin behind the event of this number, as far back as slopnd remembers; 0: with all "
              "it remembers. Default: with what comes");
  verb.option(
      "--run", verb->run_id, "ID",
      "The run of slopnd that SEQ is of; if it is another one now, all that it remembers is "
      "shown");
  verb.flag("--follow,!--no-follow", verb->follow,
            "Go on until interrupted (default), or end when all that has happened is shown");
  verb.explain({.section = "Watching",
                .examples = {"slopnctl events", "slopnctl events --since 0 --no-follow",
                             "slopnctl events --json --since 17 | jq -c 'select(.kind == "
                             "\"state_changed\")'"},
                .notes = "Every event has a number that grows by one. What a reader was too slow "
                         "for, or what slopnd has\nforgotten, is counted as missed, never left out "
                         "silently."});
}

}  // namespace slopn::cli
