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

Outcome<ExitCode> get_settings(const Console& console, const std::string& wanted)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto response =
      call(link->control(), &v1::Control::Stub::GetSettings, v1::GetSettingsRequest{});
  if (!response) return response.error();
  Json values = Json::object();
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : response->entries()) {
    if (!wanted.empty() && entry.key() != wanted) continue;
    values[entry.key()] = entry.value();
    rows.push_back({entry.key(), entry.value()});
  }
  if (rows.empty() && !wanted.empty())
    return Failure{ExitCode::usage, "usage", "there is no setting " + printable(wanted),
                   "slopnctl settings get shows all"};
  if (console.json()) {
    console.print(Json{{"settings", values}, {"problem", response->problem()}});
  } else {
    console.out << table({"SETTING", "VALUE"}, rows, console.out_style);
  }
  if (!response->problem().empty() && !console.json())
    console.err << "the stored settings could not be read: " << printable(response->problem())
                << '\n';
  return ExitCode::ok;
}

Outcome<ExitCode> set_settings(const Console& console, const std::vector<std::string>& changes)
{
  v1::UpdateSettingsRequest request;
  for (const auto& change : changes) {
    const auto equals = change.find('=');
    if (equals == std::string::npos)
      return Failure{ExitCode::usage, "usage", printable(change) + " is not KEY=VALUE",
                     "for example: slopnctl settings set lan_access=true"};
    auto& one = *request.add_changes();
    one.set_key(change.substr(0, equals));
    one.set_value(change.substr(equals + 1));
  }
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto response = call(link->control(), &v1::Control::Stub::UpdateSettings, request);
  if (!response) return response.error();
  Json later = Json::array();
  for (const auto& key : response->takes_effect_later()) later.push_back(key);
  if (console.json()) {
    console.print(Json{{"takes_effect_later", later}});
  } else {
    for (const auto& key : response->takes_effect_later())
      console.out << printable(key) << " takes effect with the next connection\n";
  }
  return ExitCode::ok;
}

Outcome<ExitCode> export_settings(const Console& console)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto response =
      call(link->control(), &v1::Control::Stub::ExportSettings, v1::ExportSettingsRequest{});
  if (!response) return response.error();
  if (console.json()) {
    console.print(Json{{"text", response->text()}});
  } else {
    console.out << response->text();
  }
  return ExitCode::ok;
}

Outcome<ExitCode> import_settings(const Console& console, const std::string& source)
{
  auto text = source == "-" ? read_standard_input() : read_profile_file(source);
  if (!text) return text.error();
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  v1::ImportSettingsRequest request;
  request.set_text(*std::move(text));
  const auto response = call(link->control(), &v1::Control::Stub::ImportSettings, request);
  if (!response) return response.error();
  if (console.json()) console.print(Json{{"imported", true}});
  return ExitCode::ok;
}

}  // namespace

void add_settings(CLI::App& parent, Run& chosen)
{
  auto* command = parent.add_subcommand("settings", "Show and change what this client does");
  command->require_subcommand(1);
  command->footer("Examples:\n  slopnctl settings get\n  slopnctl settings set lan_access=true");
  auto* get = command->add_subcommand("get", "Show all settings, or one");
  const auto key = std::make_shared<std::string>();
  get->add_option("key", *key, "The one to show")->type_name("KEY");
  get->footer("Example:\n  slopnctl settings get split.exclude");
  get->callback([&chosen, key] {
    chosen = [key](const Console& console) { return get_settings(console, *key); };
  });
  auto* set = command->add_subcommand("set", "Change settings: all that are named, or none");
  const auto changes = std::make_shared<std::vector<std::string>>();
  set->add_option("changes", *changes, "Lists are separated by commas; no value is the default")
      ->type_name("KEY=VALUE")
      ->required();
  set->footer("Example:\n  slopnctl settings set lockdown=true split.exclude=192.0.2.0/24");
  set->callback([&chosen, changes] {
    chosen = [changes](const Console& console) { return set_settings(console, *changes); };
  });
  auto* exporting = command->add_subcommand("export", "Print all settings as TOML");
  exporting->footer("Example:\n  slopnctl settings export > settings.toml");
  exporting->callback([&chosen] { chosen = export_settings; });
  auto* importing = command->add_subcommand("import", "Replace all settings");
  const auto source = std::make_shared<std::string>();
  importing->add_option("source", *source, "What export printed, or - for standard input")
      ->type_name("FILE")
      ->required();
  importing->footer("Example:\n  slopnctl settings import settings.toml");
  importing->callback([&chosen, source] {
    chosen = [source](const Console& console) { return import_settings(console, *source); };
  });
}

}  // namespace slopn::cli
