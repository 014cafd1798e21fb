#include "cli/bundle/collect.hpp"

#include <sys/utsname.h>

#include "cli/daemon_link.hpp"
#include "cli/doctor/diagnosis.hpp"
#include "cli/streams.hpp"
#include "libtunnel/base/build_info.hpp"
#include "libtunnel/base/file.hpp"

namespace slopn::cli {
namespace {

constexpr std::size_t kMostEvents = 1000;
constexpr std::uint32_t kMostLogLines = 2000;

constexpr const char* kReadme =
    "This is what `slopnctl bundle` found out about slopn on this host.\n"
    "\n"
    "Private keys, invitations, passwords and tokens are not in it. Public keys, pins, public\n"
    "addresses and the names of gateways are numbered (\"<key-1>\"); with --keep-addresses the\n"
    "addresses and names are as they were. Inner addresses of tunnels, private networks and the\n"
    "names of profiles are in it. Please read before you send it on.\n";

/// One document of the archive, before anything is taken out.
struct Document {
  std::string name;
  std::vector<Json> items;  ///< One for ".json", any number for ".jsonl".
};

template <class Response>
Json json_or_error(const Outcome<Response>& response)
{
  return response ? to_json(*response) : to_json(response.error());
}

Json versions(const Outcome<v1::GetVersionResponse>& daemon)
{
  const BuildInfo& ours = build_info();
  return {{"client", {{"version", ours.version}, {"commit", ours.commit}}},
          {"daemon", json_or_error(daemon)}};
}

Json kernel()
{
  utsname name{};
  if (::uname(&name) < 0) return Json::object();
  Json out{{"sysname", name.sysname},  // nodename is the host's own name, which nobody needs
           {"release", name.release},
           {"version", name.version},
           {"machine", name.machine}};
  const auto distribution = read_file("/etc/os-release", {.max_bytes = 16 * 1024});
  out["os_release"] = distribution ? Json(*distribution) : Json(nullptr);
  return out;
}

Json status_of(DaemonLink& link)
{
  const auto response = call(link.control(), &v1::Control::Stub::GetStatus, v1::GetStatusRequest{});
  return response ? to_json(response->status()) : to_json(response.error());
}

Json profiles_of(DaemonLink& link)
{
  const auto response =
      call(link.control(), &v1::Control::Stub::ListProfiles, v1::ListProfilesRequest{});
  if (!response) return to_json(response.error());
  Json profiles = Json::array();
  for (const auto& profile : response->profiles()) profiles.push_back(to_json(profile));
  return {{"profiles", profiles}};
}

Json caller_of(DaemonLink& link)
{
  Json out =
      json_or_error(call(link.control(), &v1::Control::Stub::GetCaller, v1::GetCallerRequest{}));
  out.erase("user");
  return out;
}

/// The last of them, for a stream may be longer than what somebody wants to read.
void keep_last(std::vector<Json>& items, std::size_t count)
{
  if (items.size() > count) {
    items.erase(items.begin(), items.end() - static_cast<std::ptrdiff_t>(count));
  }
}

std::vector<Json> events_of(DaemonLink& link)
{
  std::vector<Json> items;
  v1::WatchEventsRequest request;
  request.set_after_sequence(0);
  const auto end =
      read_events(link, request, Until::present, [&](const v1::WatchEventsResponse& item) {
        items.push_back(to_json(item));
        if (items.size() >= 2 * kMostEvents) keep_last(items, kMostEvents);
        return true;
      });
  keep_last(items, kMostEvents);
  if (!end) items.push_back(to_json(end.error()));
  return items;
}

std::vector<Json> log_of(DaemonLink& link)
{
  std::vector<Json> items;
  v1::WatchLogsRequest request;
  request.set_backlog(kMostLogLines);
  const auto end = read_logs(link, request, [&](const v1::WatchLogsResponse& line) {
    items.push_back(to_json(line));
    return items.size() < kMostLogLines;
  });
  if (!end) items.push_back(to_json(end.error()));
  return items;
}

Json findings_of(const Console& console)
{
  Json findings = Json::array();
  for (const auto& finding : diagnose(console).findings) findings.push_back(to_json(finding));
  return {{"findings", findings}};
}

std::vector<Document> ask_all(const Console& console)
{
  std::vector<Document> documents{{"system.json", {kernel()}},
                                  {"doctor.json", {findings_of(console)}}};
  auto link = DaemonLink::open(console.socket_path);
  if (!link) {
    documents.push_back({"versions.json", {versions(link.error())}});
    return documents;
  }
  v1::Control::Stub& control = link->control();
  documents.push_back(
      {"versions.json",
       {versions(call(control, &v1::Control::Stub::GetVersion, v1::GetVersionRequest{}))}});
  documents.push_back({"caller.json", {caller_of(*link)}});
  documents.push_back({"status.json", {status_of(*link)}});
  documents.push_back(
      {"settings.json",
       {json_or_error(call(control, &v1::Control::Stub::GetSettings, v1::GetSettingsRequest{}))}});
  documents.push_back({"profiles.json", {profiles_of(*link)}});
  documents.push_back({"events.jsonl", events_of(*link)});
  documents.push_back({"log.jsonl", log_of(*link)});
  return documents;
}

/// Fields that hold outer addresses and gateways, wherever they are.
void learn_outer(Redactor& redactor, const Json& document)
{
  if (document.is_array()) {
    for (const auto& one : document) learn_outer(redactor, one);
  }
  if (!document.is_object()) return;
  for (const auto& [name, value] : document.items()) {
    const bool outer = name == "gateway" || name == "gateways" || name == "remote" ||
                       name == "local" || name == "listening";
    if (outer && value.is_string()) redactor.know_outer(value.get_ref<const std::string&>());
    if (outer && value.is_array()) {
      for (const auto& one : value) {
        if (one.is_string()) redactor.know_outer(one.get_ref<const std::string&>());
      }
    }
    learn_outer(redactor, value);
  }
}

}  // namespace

std::vector<BundleFile> collect_bundle(const Console& console, Addresses addresses)
{
  auto documents = ask_all(console);
  Redactor redactor{addresses};
  for (const auto& document : documents) {
    for (const auto& item : document.items) learn_outer(redactor, item);
  }
  std::vector<BundleFile> files{{"README.txt", kReadme}};
  for (auto& document : documents) {
    const bool stream = document.name.ends_with(".jsonl");
    auto& file = files.emplace_back(BundleFile{document.name, {}});
    for (auto& item : document.items) {
      redactor.clean(item);
      file.content += to_text(item, stream ? Layout::one_line : Layout::lines) + '\n';
    }
  }
  return files;
}

}  // namespace slopn::cli
