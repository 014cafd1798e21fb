#include <ostream>
#include <vector>

#include "cli/commands/commands.hpp"
#include "cli/daemon_link.hpp"
#include "cli/format/table.hpp"
#include "cli/input.hpp"
#include "cli/names.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

struct ImportOptions {
  std::string source;
  std::string name;
  bool replace = false;
};

struct NameOptions {
  std::string name;
};

std::string gateways_text(const v1::Profile& profile)
{
  std::string text;
  for (const auto& gateway : profile.gateways()) text += (text.empty() ? "" : ", ") + gateway;
  return text.empty() ? profile.gateway() : text;
}

void print_profile(const Console& console, const v1::Profile& profile)
{
  if (console.json()) return console.print(to_json(profile));
  const Style& style = console.out_style;
  console.out << style.strong(printable(profile.name())) << '\n'
              << details({{profile.gateways_size() > 1 ? "gateways" : "gateway",
                           gateways_text(profile)},
                          {"authentication", profile.authentication()},
                          {"client key", profile.client_key()},
                          {"gateway pin", profile.gateway_pin()}},
                         style);
}

Outcome<std::string> text_of(const std::string& source)
{
  if (source == "-") return read_standard_input();
  if (is_profile_uri(source)) return source;
  return read_text_file(source);
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

Outcome<ExitCode> list_profiles(const Console& console, const NoOptions&)
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
      rows.push_back({one.name(), gateways_text(one), one.authentication()});
    }
    console.out << table({"NAME", "GATEWAYS", "AUTHENTICATION"}, rows, console.out_style);
  }
  return ExitCode::ok;
}

Outcome<ExitCode> show_profile(const Console& console, const NameOptions& options)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  v1::GetProfileRequest request;
  request.set_name(options.name);
  const auto response = call(link->control(), &v1::Control::Stub::GetProfile, request);
  if (!response) return with_profile_suggestion(*link, response.error(), options.name);
  print_profile(console, response->profile());
  return ExitCode::ok;
}

Outcome<ExitCode> remove_profile(const Console& console, const NameOptions& options)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  v1::RemoveProfileRequest request;
  request.set_name(options.name);
  const auto response = call(link->control(), &v1::Control::Stub::RemoveProfile, request);
  if (!response) return with_profile_suggestion(*link, response.error(), options.name);
  if (console.json()) {
    console.print(Json{{"removed", options.name}});
  } else {
    console.out << "removed " << printable(options.name) << '\n';
  }
  return ExitCode::ok;
}

void add_import(Group profile)
{
  auto verb = profile.verb<ImportOptions>("import", "Store a profile", import_profile);
  verb.option("source", verb->source, "FILE|URI",
              "A TOML file, a slopn:// URI, or - for either from standard input",
              {Candidates::Kind::files})
      ->required();
  verb.option("--name", verb->name, "NAME", "Another name than the one in it");
  verb.flag("--replace", verb->replace, "Replace the profile of that name");
  verb.explain(
      {.examples = {"slopnctl profile import office.toml",
                    "slopnctl profile import - --name office < invitation.txt"},
       .notes = "A URI on the command line is seen by ps and kept by the shell; - avoids both."});
}

using ForName = Outcome<ExitCode> (*)(const Console&, const NameOptions&);

void add_named(Group profile, const std::string& name, const std::string& what, ForName perform)
{
  auto verb = profile.verb<NameOptions>(name, what, perform);
  verb.option("name", verb->name, "NAME", "The profile", {Candidates::Kind::profiles})->required();
  verb.explain({.examples = {"slopnctl profile " + name + " office"}});
}

}  // namespace

void add_profile(Group top)
{
  const Group profile =
      top.group("profile", "Store, show and remove profiles",
                {.section = "Setting up",
                 .examples = {"slopnctl profile import office.toml", "slopnctl profile list"},
                 .notes = "A profile says where a gateway is and how to prove who you are to it."});
  add_import(profile);
  auto all = profile.verb<NoOptions>("list", "List the stored profiles", list_profiles);
  all.explain({.examples = {"slopnctl profile list", "slopnctl profile list --json"}});
  add_named(profile, "show", "Show a profile, without its secrets", show_profile);
  add_named(profile, "remove", "Remove a profile", remove_profile);
}

}  // namespace slopn::cli
