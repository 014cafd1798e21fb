#include <algorithm>
#include <ostream>
#include <utility>

#include "cli/commands/commands.hpp"
#include "cli/daemon_link.hpp"
#include "cli/format/table.hpp"
#include "cli/input.hpp"
#include "cli/names.hpp"
#include "libtunnel/base/file.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

struct KeyOptions {
  std::string key;
};

struct SetOptions {
  std::vector<std::string> changes;
};

struct FileOptions {
  std::string file = "-";
};

Outcome<v1::GetSettingsResponse> get_settings(DaemonLink& link)
{
  return call(link.control(), &v1::Control::Stub::GetSettings, v1::GetSettingsRequest{});
}

Outcome<ExitCode> list_settings(const Console& console, const NoOptions&)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto settings = get_settings(*link);
  if (!settings) return settings.error();
  if (console.json()) {
    console.print(to_json(*settings));
    return ExitCode::ok;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : settings->entries()) rows.push_back({entry.key(), entry.value()});
  console.out << table({"SETTING", "VALUE"}, rows, console.out_style);
  if (!settings->problem().empty()) {
    console.err << "slopnctl: "
                << console.err_style.bad(
                       "the stored settings cannot be read, so traffic is "
                       "blocked: ")
                << printable(settings->problem())
                << "\n  put them right with: slopnctl settings import FILE\n";
  }
  return ExitCode::ok;
}

Outcome<ExitCode> get_setting(const Console& console, const KeyOptions& options)
{
  if (options.key.empty()) return list_settings(console, {});
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto settings = get_settings(*link);
  if (!settings) return settings.error();
  std::vector<std::string> keys;
  for (const auto& entry : settings->entries()) {
    keys.push_back(entry.key());
    if (entry.key() != options.key) continue;
    if (console.json()) {
      console.print(Json{{"key", entry.key()}, {"value", entry.value()}});
    } else {
      console.out << printable(entry.value()) << '\n';
    }
    return ExitCode::ok;
  }
  return unknown_setting(options.key, keys);
}

/// "KEY VALUE" or any number of "KEY=VALUE".
Outcome<v1::UpdateSettingsRequest> changes_from(const std::vector<std::string>& words)
{
  v1::UpdateSettingsRequest request;
  const auto add = [&](const std::string& key, const std::string& value) {
    auto& change = *request.add_changes();
    change.set_key(key);
    change.set_value(value);
  };
  if (words.size() == 2 && words[0].find('=') == std::string::npos) {
    add(words[0], words[1]);
    return request;
  }
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Failure{ExitCode::usage, "usage", "settings set wants KEY=VALUE, not '" + word + "'",
                     "an empty value is the default: slopnctl settings set mtu_bytes="};
    }
    add(word.substr(0, equals), word.substr(equals + 1));
  }
  return request;
}

/// The first key of `request` that slopnd does not know, if that is why it refused.
std::optional<Failure> unknown_key(DaemonLink& link, const v1::UpdateSettingsRequest& request)
{
  const auto known = setting_keys(link);
  if (known.empty()) return std::nullopt;
  for (const auto& change : request.changes()) {
    if (std::find(known.begin(), known.end(), change.key()) == known.end()) {
      return unknown_setting(change.key(), known);
    }
  }
  return std::nullopt;
}

Outcome<ExitCode> set_settings(const Console& console, const SetOptions& options)
{
  const auto request = changes_from(options.changes);
  if (!request) return request.error();
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto response = call(link->control(), &v1::Control::Stub::UpdateSettings, *request);
  if (!response) {
    const auto& refusal = response.error();
    if (refusal.exit != ExitCode::failed) return refusal;
    return unknown_key(*link, *request).value_or(refusal);
  }
  std::string later;
  Json later_json = Json::array();
  for (const auto& key : response->takes_effect_later()) {
    later += (later.empty() ? "" : ", ") + printable(key);
    later_json.push_back(key);
  }
  if (console.json()) {
    console.print(
        Json{{"values", to_json(response->settings())}, {"takes_effect_later", later_json}});
    return ExitCode::ok;
  }
  for (const auto& change : request->changes()) {
    console.out << console.out_style.strong(printable(change.key())) << " = "
                << (change.value().empty() ? "(default)" : printable(change.value())) << '\n';
  }
  if (!later.empty()) {
    console.out << "with the next connection: " << later << '\n';
  }
  return ExitCode::ok;
}

Outcome<ExitCode> export_settings(const Console& console, const FileOptions& options)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto response =
      call(link->control(), &v1::Control::Stub::ExportSettings, v1::ExportSettingsRequest{});
  if (!response) return response.error();
  if (options.file != "-") {
    auto written = atomic_write_file(options.file, response->text(), 0600);
    if (!written) return to_failure(std::move(written.error()).within("write " + options.file));
  }
  if (console.json()) {
    console.print(options.file == "-" ? Json{{"text", response->text()}}
                                      : Json{{"path", options.file}});
  } else if (options.file == "-") {
    console.out << response->text();  // for a file or a pipe: as it is
  } else {
    console.out << "wrote " << options.file << '\n';
  }
  return ExitCode::ok;
}

Outcome<ExitCode> import_settings(const Console& console, const FileOptions& options)
{
  auto text = options.file == "-" ? read_standard_input() : read_text_file(options.file);
  if (!text) return text.error();
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  v1::ImportSettingsRequest request;
  request.set_text(*std::move(text));
  const auto response = call(link->control(), &v1::Control::Stub::ImportSettings, request);
  if (!response) return response.error();
  if (console.json()) {
    console.print(Json{{"values", to_json(response->settings())}});
  } else {
    console.out << "imported\n";
  }
  return ExitCode::ok;
}

void add_get(Group settings)
{
  auto verb = settings.verb<KeyOptions>("get", "Print the value of a setting, or all", get_setting);
  verb.option("key", verb->key, "KEY", "As settings list shows it; default: all, as list",
              {Candidates::Kind::setting_keys});
  verb.explain({.examples = {"slopnctl settings get lockdown", "slopnctl settings get"}});
}

void add_set(Group settings)
{
  auto verb =
      settings.verb<SetOptions>("set", "Change settings, all that are named or none", set_settings);
  verb.option("changes", verb->changes, "KEY VALUE|KEY=VALUE...",
              "What to change; lists are separated by commas, an empty value is the default",
              {Candidates::Kind::setting_keys})
      ->required();
  verb.explain({.examples = {"slopnctl settings set lockdown true",
                             "slopnctl settings set auto_connect=office lan_access=true",
                             "slopnctl settings set split.exclude 192.0.2.0/24,198.51.100.0/24",
                             "slopnctl settings set mtu_bytes="}});
}

}  // namespace

void add_settings(Group top)
{
  const Group settings = top.group(
      "settings", "See and change what you want of this client",
      {.section = "Setting up",
       .examples = {"slopnctl settings list", "slopnctl settings set auto_connect office"},
       .notes = "Settings are kept across restarts and changed while slopnd runs. What the\n"
                "administrator of the host decides is in /etc/slopn/slopnd.toml."});
  auto all = settings.verb<NoOptions>("list", "Show all settings", list_settings);
  all.explain({.examples = {"slopnctl settings list", "slopnctl settings list --json"}});
  add_get(settings);
  add_set(settings);
  auto writing =
      settings.verb<FileOptions>("export", "Write all settings to a file", export_settings);
  writing
      .option("file", writing->file, "FILE", "Where to; - for standard output",
              {Candidates::Kind::files})
      ->capture_default_str();
  writing.explain({.examples = {"slopnctl settings export settings.toml",
                                "slopnctl settings export | ssh laptop slopnctl settings import"}});
  auto reading = settings.verb<FileOptions>("import", "Replace all settings by those of a file",
                                            import_settings);
  reading
      .option("file", reading->file, "FILE", "What settings export wrote; - for standard input",
              {Candidates::Kind::files})
      ->capture_default_str();
  reading.explain({.examples = {"slopnctl settings import settings.toml"},
                   .notes = "Nothing changes when something in the file is wrong."});
}

}  // namespace slopn::cli
