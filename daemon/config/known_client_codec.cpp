#include "daemon/config/schema.hpp"

namespace slopn::config {
namespace {

/// What one [[gateway.auth.client]] says, before it is known to make sense.
struct Draft {
  std::string name;
  std::optional<crypto::PublicKey> public_key;
  std::optional<crypto::SpkiPin> certificate_pin;
};

Schema<Draft> draft_schema(const std::string& section)
{
  std::vector<Key<Draft>> keys;
  keys.push_back(make_key<Draft>(
      {section + ".name", "", Live::yes}, safe_name("client name"),
      [](auto& draft) -> auto& { return draft.name; }));
  keys.push_back(make_key<Draft>(
      {section + ".public_key", "", Live::yes}, maybe(public_key()),
      [](auto& draft) -> auto& { return draft.public_key; }));
  keys.push_back(make_key<Draft>(
      {section + ".certificate_pin", "", Live::yes}, maybe(spki_pin()),
      [](auto& draft) -> auto& { return draft.certificate_pin; }));
  return Schema<Draft>{std::move(keys)};
}

// "laptop=ed25519:..." as the table that it stands for.
std::optional<Table> table_of_text(const Value& value)
{
  const auto* text = std::get_if<Text>(&value.data);
  const auto equals = text == nullptr ? std::string::npos : text->text.find('=');
  if (equals == std::string::npos) return std::nullopt;
  const std::string identity = text->text.substr(equals + 1);
  const bool is_pin = identity.starts_with("sha256:");
  return Table{
      {value.at, "name", {value.at, text->text.substr(0, equals)}},
      {value.at, is_pin ? "certificate_pin" : "public_key", {value.at, identity}},
  };
}

void check_draft(const Draft& draft, const Value& value, std::string_view key,
                 Diagnostics& diagnostics)
{
  if (draft.name.empty()) diagnostics.add(value.at, std::string{key} + ": a client needs a name");
  if (draft.public_key.has_value() == draft.certificate_pin.has_value()) {
    diagnostics.add(value.at,
                    std::string{key} + ": a client needs either a public_key or a certificate_pin");
  }
}

bool read_client(const Value& value, std::string_view key, Diagnostics& diagnostics,
                 KnownClient& target)
{
  const auto from_text = table_of_text(value);
  const auto* table = from_text ? &*from_text : std::get_if<Table>(&value.data);
  if (table == nullptr) {
    complain_type(value, key, "a table, or name=key in a variable", diagnostics);
    return false;
  }
  Draft draft;
  Origins origins;
  Diagnostics of_client;
  draft_schema(std::string{key}).apply(*table, {draft, origins, of_client}, std::string{key});
  if (of_client.empty()) check_draft(draft, value, key, of_client);
  diagnostics.merge(of_client);
  if (!of_client.empty()) return false;
  target.name = std::move(draft.name);
  if (draft.public_key) {
    target.identity = *draft.public_key;
  } else {
    target.identity = *draft.certificate_pin;
  }
  return true;
}

std::string write_client(const KnownClient& client)
{
  const auto* key = std::get_if<crypto::PublicKey>(&client.identity);
  const auto* pin = std::get_if<crypto::SpkiPin>(&client.identity);
  return "{ name = " + toml_string(client.name) +
         (key != nullptr ? ", public_key = " + toml_string(key->to_string())
                         : ", certificate_pin = " + toml_string(pin->to_string())) +
         " }";
}

}  // namespace

Codec<KnownClient> known_client()
{
  return {"table with name and public_key or certificate_pin", read_client, write_client};
}

}  // namespace slopn::config
