#include <memory>
#include <ostream>
#include <vector>

#include "cli/commands/commands.hpp"
#include "cli/daemon_link.hpp"
#include "cli/format/table.hpp"
#include "cli/input.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

struct ImportOptions {
  std::string source;
  std::string name;
  bool replace = false;
};

void print_profile(const Console& console, const v1::Profile& profile)
{
  if (console.json()) return console.print(to_json(profile));
  const Style& style = console.out_style;
  console.out << style.strong(printable(profile.name())) << '\n'
              << details({{"gateway", profile.gateway()},
                          {"authentication", profile.authentication()},
                          {"client key", profile.client_key()},
                          {"gateway pin", profile.gateway_pin()}},
                         style);
}

Outcome<std::string> text_of(const std::string& source)
{
  if (source == "-") return read_standard_input();
  if (is_profile_uri(source)) return source;
  return read_profile_file(source);
}

Outcome<ExitCode> import_profile(const Console& console, const ImportOptions& options)
{
  auto text = text_of(options.source);
  if (!text) return text.error();
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  v1::ImportProfileRequest request;
  request.set_text(*std::move(text));
  request.set_name(options.name);
  request.set_replace(options.replace);
  const auto response = call(link->control(), &v1::Control::Stub::ImportProfile, request);
  if (!response) return response.error();
  const v1::Profile& profile = response->profile();
  if (console.json()) {
    console.print(to_json(profile));
  } else {
    console.out << "imported " << console.out_style.strong(printable(profile.name())) << " ("
                << printable(profile.gateway()) << "); connect with: slopnctl connect "
                << printable(profile.name()) << '\n';
  }
  return ExitCode::ok;
}

Outcome<ExitCode> list_profiles(const Console& console)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto response =
      call(link->control(), &v1::Control::Stub::ListProfiles, v1::ListProfilesRequest{});
  if (!response) return response.error();
  if (console.json()) {
    Json profiles = Json::array();
    for (const auto& profile : response->profiles()) profiles.push_back(to_json(profile));
    console.print(Json{{"profiles", profiles}});
  } else if (response->profiles().empty()) {
    console.out << "no profiles; add one with: slopnctl profile import FILE\n";
  } else {
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : response->profiles()) {
      rows.push_back({one.name(), one.gateway(), one.authentication()});
    }
    console.out << table({"NAME", "GATEWAY", "AUTHENTICATION"}, rows, console.out_style);
  }
  return ExitCode::ok;
}

Outcome<ExitCode> show_profile(const Console& console, const std::string& name)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  v1::GetProfileRequest request;
  request.set_name(name);
  const auto response = call(link->control(), &v1::Control::Stub::GetProfile, request);
  if (!response) return response.error();
  print_profile(console, response->profile());
  return ExitCode::ok;
}

Outcome<ExitCode> remove_profile(const Console& console, const std::string& name)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  v1::RemoveProfileRequest request;
  request.set_name(name);
  const auto response = call(link->control(), &v1::Control::Stub::RemoveProfile, request);
  if (!response) return response.error();
  if (console.json()) {
    console.print(Json{{"removed", name}});
  } else {
    console.out << "removed " << printable(name) << '\n';
  }
  return ExitCode::ok;
}

void add_import(CLI::App& parent, Run& chosen)
{
  auto* command = parent.add_subcommand("import", "Store a profile");
  const auto options = std::make_shared<ImportOptions>();
  command
      ->add_option("source", options->source,
                   "A TOML file, a slopn:// URI, or - for either from standard input")
      ->type_name("FILE|URI")
      ->required();
  command->add_option("--name", options->name, "Another name than the one in it");
  command->add_flag("--replace", options->replace, "Replace the profile of that name");
  command->footer(
      "Examples:\n"
      "  slopnctl profile import office.toml\n"
      "  slopnctl profile import - --name office < invitation.txt\n"
      "A URI on the command line is seen by ps and kept by the shell; - avoids both.");
  command->callback([&chosen, options] {
    chosen = [options](const Console& console) { return import_profile(console, *options); };
  });
}

using WithName = Outcome<ExitCode> (*)(const Console&, const std::string&);

void add_named(CLI::App& parent, Run& chosen, const std::string& verb, const std::string& what,
               WithName run)
{
  auto* command = parent.add_subcommand(verb, what);
  const auto name = std::make_shared<std::string>();
  command->add_option("name", *name, "The profile")->type_name("NAME")->required();
  command->footer("Example:\n  slopnctl profile " + verb + " office");
  command->callback([&chosen, name, run] {
    chosen = [name, run](const Console& console) { return run(console, *name); };
  });
}

}  // namespace

void add_profile(CLI::App& parent, Run& chosen)
{
  auto* command = parent.add_subcommand("profile", "Store, show and remove profiles");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  slopnctl profile import office.toml\n"
      "  slopnctl profile list");
  add_import(*command, chosen);
  auto* list = command->add_subcommand("list", "List the stored profiles");
  list->footer("Examples:\n  slopnctl profile list\n  slopnctl profile list --json");
  list->callback([&chosen] { chosen = list_profiles; });
  add_named(*command, chosen, "show", "Show a profile, without its secrets", show_profile);
  add_named(*command, chosen, "remove", "Remove a profile", remove_profile);
}

}  // namespace slopn::cli
