#include <algorithm>

#include "daemon/config/schema.hpp"

/// One [[control.grants]]; in a variable "operate=user:alice".
namespace slopn::config {
namespace {

using daemon::Grant;

constexpr std::size_t kMaxNames = 256;

Codec<daemon::Role> role_codec()
{
  return choice<daemon::Role>({{"read", daemon::Role::read},
                               {"operate", daemon::Role::operate},
                               {"admin", daemon::Role::admin}});
}

bool is_account_name(std::string_view text) noexcept
{
  constexpr std::size_t kMaxBytes = 255;
  return !text.empty() && text.size() <= kMaxBytes &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != ':'; });
}

Codec<std::vector<std::string>> names(std::string_view type)
{
  return list(string_codec(std::string{type} + " name", is_account_name),
              std::string{type} + " names", kMaxNames);
}

Codec<std::vector<std::uint32_t>> numbers()
{
  constexpr std::uint32_t kNobodyAtAll = 0xFFFFFFFF;  // the kernel's (uid_t)-1
  return list(integer<std::uint32_t>({0, kNobodyAtAll - 1}), "user ids", kMaxNames);
}

Schema<Grant> grant_schema(const std::string& section)
{
  std::vector<Key<Grant>> keys;
  keys.push_back(make_key<Grant>(
      {section + ".role", "", Live::yes}, role_codec(),
      [](auto& grant) -> auto& { return grant.role; }));
  keys.push_back(make_key<Grant>(
      {section + ".users", "", Live::yes}, names("user"),
      [](auto& grant) -> auto& { return grant.users; }));
  keys.push_back(make_key<Grant>(
      {section + ".groups", "", Live::yes}, names("group"),
      [](auto& grant) -> auto& { return grant.groups; }));
  keys.push_back(make_key<Grant>(
      {section + ".uids", "", Live::yes}, numbers(),
      [](auto& grant) -> auto& { return grant.uids; }));
  return Schema<Grant>{std::move(keys)};
}

// "operate=user:alice", "read=group:staff" or "admin=uid:1000" as the table that it stands for.
std::optional<Table> table_of_text(const Value& value)
{
  const auto* text = std::get_if<Text>(&value.data);
  if (text == nullptr) return std::nullopt;
  const auto equals = text->text.find('=');
  const auto colon = text->text.find(':', equals == std::string::npos ? 0 : equals);
  if (equals == std::string::npos || colon == std::string::npos) return std::nullopt;
  const std::string kind = text->text.substr(equals + 1, colon - equals - 1);
  const Value who{value.at, Text{text->text.substr(colon + 1)}};
  return Table{
      {value.at, "role", {value.at, text->text.substr(0, equals)}},
      {value.at, kind + "s", {value.at, List{who}}},
  };
}

bool read_grant(const Value& value, std::string_view key, Diagnostics& diagnostics, Grant& target)
{
  const auto from_text = table_of_text(value);
  const auto* table = from_text ? &*from_text : std::get_if<Table>(&value.data);
  if (table == nullptr) {
    complain_type(value, key, "a table, or role=user:NAME in a variable", diagnostics);
    return false;
  }
  Grant grant;
  Origins origins;
  Diagnostics of_grant;
  grant_schema(std::string{key}).apply(*table, {grant, origins, of_grant}, std::string{key});
  if (of_grant.empty() && grant.role == daemon::Role::none)
    of_grant.add(value.at, std::string{key} + ": a grant needs a role");
  if (of_grant.empty() && grant.users.empty() && grant.groups.empty() && grant.uids.empty())
    of_grant.add(value.at, std::string{key} + ": a grant needs users, groups or uids");
  diagnostics.merge(of_grant);
  if (!of_grant.empty()) return false;
  target = std::move(grant);
  return true;
}

std::string write_grant(const Grant& grant)
{
  std::string text = "{ role = " + role_codec().write(grant.role);
  if (!grant.users.empty()) text += ", users = " + names("user").write(grant.users);
  if (!grant.groups.empty()) text += ", groups = " + names("group").write(grant.groups);
  if (!grant.uids.empty()) text += ", uids = " + numbers().write(grant.uids);
  return text + " }";
}

}  // namespace

Codec<Grant> grant()
{
  return {"table with role, and users, groups or uids", read_grant, write_grant};
}

}  // namespace slopn::config
