#include "cli/catalogue.hpp"

#include <CLI/CLI.hpp>  // App.hpp alone declares the help formatter but does not define it

#include "cli/commands/commands.hpp"
#include "libtunnel/base/build_info.hpp"

namespace slopn::cli {
namespace {

std::string footer_of(const Guide& guide)
{
  std::string text = guide.notes;
  if (!text.empty()) text += "\n\n";
  text += guide.examples.size() == 1 ? "Example:" : "Examples:";
  for (const auto& example : guide.examples) text += "\n  " + example;
  if (!guide.exits.empty()) text += "\n\nExit: " + guide.exits + '.';
  return text;
}

void add_globals(CLI::App& app, Globals& globals)
{
  app.add_option("--socket", globals.socket_path, "slopnd's control socket")
      ->type_name("PATH")
      ->envname("SLOPN_SOCKET")
      ->capture_default_str();
  app.add_flag("--json", globals.json, "Print JSON for programs instead of text for people");
  app.add_flag("--no-color,--no-colour", globals.no_color,
               "No colours; the variable NO_COLOR does the same");
}

void add_all(const Group& top)
{
  add_connect(top);
  add_confirm(top);
  add_disconnect(top);
  add_status(top);
  add_profile(top);
  add_settings(top);
  add_keygen(top);
  add_events(top);
  add_logs(top);
  add_log_level(top);
  add_speedtest(top);
  add_ping(top);
  add_doctor(top);
  add_bundle(top);
  add_gateway(top);
  add_whoami(top);
  add_version(top);
  add_completion(top);
  add_man(top);
}

bool is_shown(const std::string& group)
{
  return !group.empty();
}

}  // namespace

Catalogue::Catalogue() : app_{"Controls slopnd, the slopn VPN daemon.", "slopnctl"}
{
  app_.fallthrough();  // global options may stand behind the command
  app_.require_subcommand(1);
  app_.set_version_flag("--version", "slopnctl " + std::string{build_info().version},
                        "Print the version of slopnctl and exit");
  add_globals(app_, globals_);
  complete(*app_.get_option("--socket"), {Candidates::Kind::files});
  explain(
      app_,
      {.examples = {"slopnctl profile import office.toml", "slopnctl connect office",
                    "slopnctl status --json", "slopnctl doctor", "slopnctl gateway invite laptop"},
       .notes = "slopnctl COMMAND --help and man slopnctl-COMMAND tell about one command.",
       .exits = "0 ok, 1 failed, 2 usage, 3 slopnd unreachable, 4 not permitted,\n"
                "5 not connected, 6 authentication refused, 7 timed out,\n"
                "8 under way (status --check), 9 given up (status --check)"});
  add_all(Group{*this, app_});
}

const Guide& Catalogue::guide_of(const CLI::App& command) const
{
  static const Guide kNone;
  const auto found = guides_.find(&command);
  return found == guides_.end() ? kNone : found->second;
}

const Candidates& Catalogue::candidates_for(const CLI::Option& option) const
{
  static const Candidates kNone;
  const auto found = candidates_.find(&option);
  return found == candidates_.end() ? kNone : found->second;
}

void Catalogue::explain(CLI::App& command, Guide guide)
{
  command.footer(footer_of(guide));
  if (!guide.section.empty()) command.group(guide.section);
  guides_[&command] = std::move(guide);
}

void Catalogue::complete(const CLI::Option& option, Candidates candidates)
{
  candidates_[&option] = std::move(candidates);
}

Group Group::group(const std::string& name, const std::string& what, Guide guide) const
{
  auto* command = parent_.add_subcommand(name, what);
  command->require_subcommand(1);
  catalogue_.explain(*command, std::move(guide));
  return {catalogue_, *command};
}

std::vector<const CLI::App*> commands_of(const CLI::App& app)
{
  return app.get_subcommands([](const CLI::App* one) { return is_shown(one->get_group()); });
}

std::vector<const CLI::Option*> options_of(const CLI::App& app)
{
  return app.get_options(
      [](const CLI::Option* one) { return is_shown(one->get_group()) && one->nonpositional(); });
}

std::vector<const CLI::Option*> arguments_of(const CLI::App& app)
{
  return app.get_options([](const CLI::Option* one) { return one->get_positional(); });
}

}  // namespace slopn::cli
