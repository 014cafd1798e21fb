#include "daemon/config/client_registry.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <set>

#include "daemon/config/profile.hpp"
#include "daemon/config/schema.hpp"
#include "daemon/config/state_file.hpp"

namespace slopn::config {
namespace {

constexpr std::string_view kRemedy =
    "Clients that came by invitation cannot come in until they are invited again or the file is "
    "repaired and put back; clients in the configuration are not affected.";

// "2026-11-21T10:00:00Z"
std::string format_time(std::chrono::sys_seconds time)
{
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::optional<unsigned> number_at(std::string_view text, std::size_t offset, std::size_t digits)
{
  unsigned number = 0;
  const char* const begin = text.data() + offset;
  const auto [end, error] = std::from_chars(begin, begin + digits, number);
  if (error != std::errc{} || end != begin + digits) return std::nullopt;
  return number;
}

std::optional<std::chrono::sys_seconds> parse_time(std::string_view text)
{
  constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kForm[i] != '0' && text[i] != kForm[i]) return std::nullopt;
  }
  const auto year = number_at(text, 0, 4);
  const auto month = number_at(text, 5, 2);
  const auto day = number_at(text, 8, 2);
  const auto hour = number_at(text, 11, 2);
  const auto minute = number_at(text, 14, 2);
  const auto second = number_at(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{*month}, std::chrono::day{*day}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second};
}

Codec<std::chrono::sys_seconds> time()
{
  return text_codec<std::chrono::sys_seconds>(
      {"time such as \"2026-11-21T10:00:00Z\"", parse_time, format_time});
}

struct Draft {
  std::string name;
  std::optional<crypto::PublicKey> public_key;
  std::optional<std::chrono::sys_seconds> created;
};

/// The whole file. `count` tells a file that was cut off between two clients.
struct FileDraft {
  std::uint32_t format = 0;
  std::uint32_t count = 0;
  std::vector<InvitedClient> clients;
};

const Schema<Draft>& client_schema()
{
  static const Schema<Draft> schema = [] {
    std::vector<Key<Draft>> keys;
    keys.push_back(make_key<Draft>(
        {"client.name", "", Live::no}, safe_name("client name"),
        [](auto& draft) -> auto& { return draft.name; }));
    keys.push_back(make_key<Draft>(
        {"client.public_key", "", Live::no}, maybe(public_key()),
        [](auto& draft) -> auto& { return draft.public_key; }));
    keys.push_back(make_key<Draft>(
        {"client.created", "", Live::no}, maybe(time()),
        [](auto& draft) -> auto& { return draft.created; }));
    return Schema<Draft>{std::move(keys)};
  }();
  return schema;
}

bool read_client(const Value& value, std::string_view key, Diagnostics& diagnostics,
                 InvitedClient& target)
{
  const auto* table = std::get_if<Table>(&value.data);
  if (table == nullptr) {
    complain_type(value, key, "a table", diagnostics);
    return false;
  }
  Draft draft;
  Origins origins;
  Diagnostics of_client;
  client_schema().apply(*table, {draft, origins, of_client}, "client");
  if (of_client.empty() && (draft.name.empty() || !draft.public_key || !draft.created))
    of_client.add(value.at, "a client needs name, public_key and created");
  diagnostics.merge(of_client);
  if (!of_client.empty()) return false;
  target = {std::move(draft.name), *draft.public_key, *draft.created};
  return true;
}

std::string write_client(const InvitedClient& client)
{
  return "[[client]]\nname = " + toml_string(client.name) +
         "\npublic_key = " + toml_string(client.public_key.to_string()) +
         "\ncreated = " + toml_string(format_time(client.created)) + "\n";
}

constexpr std::uint32_t kFormat = 1;
constexpr std::uint32_t kMaxClients = 100000;

const Schema<FileDraft>& file_schema()
{
  static const Schema<FileDraft> schema = [] {
    const Codec<InvitedClient> client{"table", read_client, write_client};
    std::vector<Key<FileDraft>> keys;
    keys.push_back(make_key<FileDraft>(
        {"format", "", Live::no}, integer<std::uint32_t>({kFormat, kFormat}),
        [](auto& file) -> auto& { return file.format; }));
    keys.push_back(make_key<FileDraft>(
        {"count", "", Live::no}, integer<std::uint32_t>({0, kMaxClients}),
        [](auto& file) -> auto& { return file.count; }));
    keys.push_back(make_key<FileDraft>(
        {"client", "", Live::no}, list(client, "tables", kMaxClients),
        [](auto& file) -> auto& { return file.clients; }));
    return Schema<FileDraft>{std::move(keys)};
  }();
  return schema;
}

bool has_duplicates(const std::vector<InvitedClient>& clients)
{
  std::set<std::string> names;
  std::set<crypto::PublicKey> keys;
  return !std::ranges::all_of(clients, [&](const InvitedClient& client) {
    return names.insert(client.name).second && keys.insert(client.public_key).second;
  });
}

}  // namespace

Result<std::vector<InvitedClient>> parse_clients(std::string_view text)
{
  Diagnostics diagnostics;
  FileDraft file;
  Origins origins;
  constexpr const char* kOrigin = "clients.toml";
  if (const auto table = read_toml(text, kOrigin, TomlContent::open, diagnostics))
    file_schema().apply(*table, {file, origins, diagnostics});
  if (diagnostics.empty() && file.format != kFormat)
    diagnostics.add({kOrigin}, "does not begin with format = 1");
  if (diagnostics.empty() && (!origins.contains("count") || file.count != file.clients.size())) {
    diagnostics.add({kOrigin}, "holds " + std::to_string(file.clients.size()) +
                                   " clients where its count says " + std::to_string(file.count));
  }
  if (diagnostics.empty() && has_duplicates(file.clients))
    diagnostics.add({kOrigin}, "holds a name or a key twice");
  if (!diagnostics.empty()) return diagnostics.to_error(Errc::data_corrupt);
  return std::move(file.clients);
}

std::string format_clients(const std::vector<InvitedClient>& clients)
{
  std::string text =
      "# Clients that came by invitation; written by slopnd.\nformat = " + std::to_string(kFormat) +
      "\ncount = " + std::to_string(clients.size()) + "\n";
  for (const auto& client : clients) text += "\n" + write_client(client);
  return text;
}

Result<ClientRegistry::Opened> ClientRegistry::open(std::filesystem::path file)
{
  auto content = read_state_file<InvitedClient>(file, parse_clients, kRemedy);
  if (!content) return content.error();
  ClientRegistry registry{std::move(file)};
  registry.clients_ = std::move(content->items);
  return Opened{std::move(registry), std::move(content->damage)};
}

Result<> ClientRegistry::add(InvitedClient client)
{
  if (!is_valid_profile_name(client.name))
    return fail(Errc::invalid_argument, "client name " + in_quotes(client.name));
  for (const auto& known : clients_) {
    if (known.name == client.name) return fail(Errc::already_exists, "client " + client.name);
    if (known.public_key == client.public_key)
      return fail(Errc::already_exists, "the key, as client " + known.name + ",");
  }
  if (clients_.size() >= kMaxClients) return fail(Errc::invalid_argument, "too many clients");
  auto changed = clients_;
  changed.push_back(std::move(client));
  return keep(std::move(changed));
}

Result<> ClientRegistry::remove(std::string_view name)
{
  auto changed = clients_;
  if (std::erase_if(changed, [&](const auto& client) { return client.name == name; }) == 0)
    return fail(Errc::not_found, "client " + printable(name));
  return keep(std::move(changed));
}

Result<> ClientRegistry::keep(std::vector<InvitedClient> changed)
{
  if (auto written = atomic_write_file(file_, format_clients(changed), 0600); !written)
    return written.error();
  clients_ = std::move(changed);
  return {};
}

}  // namespace slopn::config
