#include "daemon/control/methods.hpp"

#include <algorithm>
#include <array>

#include "libtunnel/base/text.hpp"
#include "slopn/control/v1/control.pb.h"

namespace slopn::control {
namespace {

using daemon::Role;
using google::protobuf::Message;

constexpr std::size_t kLongestArgument = 160;

/// For the table's functions, which get the request of their own method.
template <class Request>
const Request& as(const Message& message)
{
  return static_cast<const Request&>(message);
}

/// What a caller chose must not look like another part of the line.
std::string quoted(const std::string& text)
{
  if (text.find_first_of(" =\"\\") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

/// "name=value", or nothing when there is no value.
std::string note(std::string_view name, std::string_view value)
{
  if (value.empty()) return {};
  return std::string{name} + "=" + quoted(printable(value.substr(0, kLongestArgument)));
}

/// The same for what should be the name of a profile or client. Something else is not shown: it may
/// be a URI, with a key in it, that came into the wrong place.
std::string name_note(std::string_view key, std::string_view name)
{
  constexpr std::size_t kLongestName = 64;
  const bool good = name.size() <= kLongestName && std::ranges::all_of(name, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
                    });
  return good ? note(key, name) : std::string{key} + "=(invalid)";
}

// A URI brings a gateway that nobody has approved.
Role role_to_connect(const Message& request)
{
  return as<v1::ConnectRequest>(request).has_uri() ? Role::admin : Role::operate;
}

std::string connect_argument(const Message& message)
{
  const auto& request = as<v1::ConnectRequest>(message);
  std::string text = request.has_uri() ? "uri" : name_note("profile", request.profile());
  if (request.has_confirm_within()) {
    text += (text.empty() ? "confirm_within=" : " confirm_within=") +
            std::to_string(request.confirm_within().seconds()) + "s";
  }
  return text;
}

std::string import_argument(const Message& message)
{
  const auto& request = as<v1::ImportProfileRequest>(message);
  const std::string text = name_note("name", request.name());
  if (!request.replace()) return text;
  return text.empty() ? "replace" : text + " replace";
}

std::string remove_argument(const Message& message)
{
  return name_note("name", as<v1::RemoveProfileRequest>(message).name());
}

std::string settings_argument(const Message& message)
{
  std::string keys;
  for (const auto& change : as<v1::UpdateSettingsRequest>(message).changes()) {
    if (keys.size() > kLongestArgument) break;
    keys += (keys.empty() ? "" : ",") + change.key().substr(0, kLongestArgument);
  }
  return note("keys", keys);
}

std::string watch_logs_argument(const Message& message)
{
  return note("contains", as<v1::WatchLogsRequest>(message).contains());
}

std::string log_level_argument(const Message& message)
{
  return note("level", v1::LogLevel_Name(as<v1::SetLogLevelRequest>(message).level()));
}

std::string kick_argument(const Message& message)
{
  return note("who", as<v1::KickSessionRequest>(message).who());
}

std::string invite_argument(const Message& message)
{
  return name_note("name", as<v1::InviteRequest>(message).name());
}

/// The only place that says who may do what.
constexpr std::array kMethods{
    Method{"GetVersion", Role::none},
    Method{"GetCaller", Role::none},
    Method{"Connect", Role::operate, role_to_connect, connect_argument},
    Method{"ConfirmConnection", Role::operate},
    Method{"Disconnect", Role::operate},
    Method{"GetStatus", Role::read},
    Method{"WatchStatus", Role::read},
    Method{"WatchEvents", Role::read},
    Method{"WatchLogs", Role::operate, nullptr, watch_logs_argument},
    Method{"SetLogLevel", Role::admin, nullptr, log_level_argument},
    Method{"ImportProfile", Role::admin, nullptr, import_argument},
    Method{"ListProfiles", Role::read},
    Method{"GetProfile", Role::read},
    Method{"RemoveProfile", Role::admin, nullptr, remove_argument},
    Method{"GetSettings", Role::read},
    Method{"UpdateSettings", Role::admin, nullptr, settings_argument},
    Method{"ExportSettings", Role::read},
    Method{"ImportSettings", Role::admin},
    Method{"Diagnose", Role::read},
    Method{"ListSessions", Role::operate},
    Method{"KickSession", Role::operate, nullptr, kick_argument},
    Method{"Invite", Role::admin, nullptr, invite_argument},
};

}  // namespace

std::span<const Method> methods() noexcept
{
  return kMethods;
}

const Method* find_method(std::string_view name) noexcept
{
  const auto* const found = std::ranges::find(kMethods, name, &Method::name);
  return found == kMethods.end() ? nullptr : found;
}

daemon::Role role_needed(const Method& method, const Message& request)
{
  return method.role_for == nullptr ? method.role : std::max(method.role, method.role_for(request));
}

std::string argument_of(const Method& method, const Message& request)
{
  return method.argument == nullptr ? std::string{} : method.argument(request);
}

}  // namespace slopn::control
