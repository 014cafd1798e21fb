#include "daemon/config/profile_schema.hpp"

#include <algorithm>
#include <cstring>

#include "libtunnel/base/bytes.hpp"

namespace slopn::config {
namespace {

using Keys = std::vector<Key<ProfileDraft>>;

// RFC 9484 section 3, as far as we need it: an absolute path with the two variables, or without.
bool is_path_template(std::string_view text) noexcept
{
  constexpr std::size_t kMaxBytes = 1024;
  if (!text.starts_with('/') || text.size() > kMaxBytes) return false;
  while (!text.empty()) {
    if (text.front() == '{') {
      const auto end = text.find('}');
      if (end == std::string_view::npos) return false;
      const auto variable = text.substr(1, end - 1);
      if (variable != "target" && variable != "ipproto") return false;
      text.remove_prefix(end + 1);
      continue;
    }
    constexpr std::string_view kNotInAPath = "\"<>[]\\^`|}#?";
    if (text.front() <= ' ' || text.front() > '~') return false;
    if (kNotInAPath.find(text.front()) != std::string_view::npos) return false;
    text.remove_prefix(1);
  }
  return true;
}

bool is_authority(std::string_view text) noexcept
{
  return text == "system" || (text.starts_with('/') && text.find('\0') == std::string_view::npos);
}

bool is_pem_or_empty(std::string_view text) noexcept
{
  constexpr std::size_t kMaxPemBytes = 32768;
  return text.size() <= kMaxPemBytes &&
         (text.empty() || text.find("-----BEGIN ") != std::string_view::npos);
}

Codec<std::string> path_template()
{
  return string_codec("path such as \"/.well-known/masque/ip/{target}/{ipproto}/\"",
                      is_path_template);
}

Codec<std::string> authority()
{
  return string_codec("\"system\" or the absolute path of a PEM file", is_authority);
}

using Seed = crypto::KeyPair::Seed;

std::optional<Secret<Seed>> parse_seed(std::string_view text)
{
  const auto bytes = from_base64(text);
  if (!bytes || bytes->size() != crypto::KeyPair::kSeedBytes) return std::nullopt;
  Seed seed{};
  std::memcpy(seed.data(), bytes->data(), seed.size());
  return Secret<Seed>{seed};
}

Codec<Secret<Seed>> key_seed()
{
  auto format = [](const Secret<Seed>& seed) {
    return to_base64url(view(seed.reveal().data(), seed.reveal().size()));
  };
  return text_codec<Secret<Seed>>(
      {"base64url of 32 bytes, as slopnctl keygen prints it", parse_seed, format, Quoting::secret});
}

Codec<Secret<std::string>> private_key_pem()
{
  auto parse = [](std::string_view text) -> std::optional<Secret<std::string>> {
    if (!is_pem_or_empty(text)) return std::nullopt;
    return Secret<std::string>{std::string{text}};
  };
  return text_codec<Secret<std::string>>(
      {"private key in PEM", parse, [](const Secret<std::string>& key) { return key.reveal(); },
       Quoting::secret});
}

void add_root(Keys& keys)
{
  const auto add = [&](KeyText text, auto codec, auto place) {
    keys.push_back(make_key<ProfileDraft>(std::move(text), std::move(codec), place));
  };
  add(
      {"name", "What the profile is called; in a stored profile the file's name decides."},
      maybe_empty(safe_name("profile name")), [](auto& p) -> auto& { return p.name; });
  add(
      {"gateway", "The gateway's name or address, and its UDP port (443 if absent)."},
      maybe(host_port()), [](auto& p) -> auto& { return p.gateway; });
  add(
      {"gateways",
       "Instead of gateway: several, the best first. They are tried a quarter of a second apart, "
       "and the first that answers is taken."},
      list(host_port(), "names or addresses of gateways", kMaxGateways),
      [](auto& p) -> auto& { return p.gateways; });
  add(
      {"server_name", "The name to ask for (SNI) and to find in the certificate. Empty: the host."},
      maybe_empty(host()), [](auto& p) -> auto& { return p.server_name; });
  add(
      {"pins", "Trust a gateway with one of these keys, whoever signed its certificate."},
      list(spki_pin(), "pins"), [](auto& p) -> auto& { return p.pins; });
  add(
      {"ca", "Instead of pins: trust a certificate that this authority signed for the gateway."},
      maybe_empty(authority()), [](auto& p) -> auto& { return p.ca; });
}

void add_auth(Keys& keys)
{
  const auto add = [&](KeyText text, auto codec, auto place) {
    keys.push_back(make_key<ProfileDraft>(std::move(text), std::move(codec), place));
  };
  add(
      {"auth.method", "How the client proves who it is. A key alone means concealed."},
      choice<Method>({{"concealed", Method::concealed},
                      {"certificate", Method::certificate},
                      {"bearer", Method::bearer},
                      {"none", Method::none}}),
      [](auto& p) -> auto& { return p.method; });
  add(
      {"auth.key", "For concealed: the private key itself."}, maybe(key_seed()),
      [](auto& p) -> auto& { return p.key; });
  add(
      {"auth.key_file", "For concealed, instead of key: a PEM file with the private key."},
      absolute_path(), [](auto& p) -> auto& { return p.key_file; });
  add(
      {"auth.certificate", "For certificate: the chain."},
      string_codec("certificate chain in PEM", is_pem_or_empty),
      [](auto& p) -> auto& { return p.certificate; });
  add(
      {"auth.private_key", "For certificate: its private key."}, private_key_pem(),
      [](auto& p) -> auto& { return p.private_key; });
  add(
      {"auth.certificate_file", "For certificate, instead of certificate: a PEM file."},
      absolute_path(), [](auto& p) -> auto& { return p.certificate_file; });
  add(
      {"auth.private_key_file", "For certificate, instead of private_key: a PEM file."},
      absolute_path(), [](auto& p) -> auto& { return p.private_key_file; });
  add(
      {"auth.token_file", "For bearer: a file with the token, read at every connect."},
      absolute_path(), [](auto& p) -> auto& { return p.token_file; });
}

void add_tunnel(Keys& keys)
{
  const auto add = [&](KeyText text, auto codec, auto place) {
    keys.push_back(make_key<ProfileDraft>(std::move(text), std::move(codec), place));
  };
  add(
      {"tunnel.routes", "Of the routes that the gateway offers, take only these. Empty: all."},
      list(prefix(), "prefixes"), [](auto& p) -> auto& { return p.routes; });
  add(
      {"tunnel.address_request",
       "Ask for an address: if none comes by itself, at once, or never (some gateways close the "
       "tunnel when asked)."},
      choice<AddressRequest>({{"auto", AddressRequest::automatic},
                              {"on", AddressRequest::on},
                              {"off", AddressRequest::off}}),
      [](auto& p) -> auto& { return p.address_request; });
  add(
      {"tunnel.path", "Path of the tunnel at the gateway (RFC 9484 section 3)."}, path_template(),
      [](auto& p) -> auto& { return p.path_template; });
  add(
      {"tunnel.max_mtu_bytes", "Largest inner MTU, if not the configuration's."},
      maybe(integer<std::uint16_t>({1280, 65535}, "bytes")),
      [](auto& p) -> auto& { return p.max_mtu_bytes; });
  add(
      {"tunnel.keep_alive_s",
       "Send something after so much silence, if not the configuration's. 0: never."},
      maybe(duration<std::chrono::seconds>({0, 3600}, "seconds")),
      [](auto& p) -> auto& { return p.keep_alive; });
}

}  // namespace

const Schema<ProfileDraft>& profile_schema()
{
  static const Schema<ProfileDraft> schema = [] {
    Keys keys;
    add_root(keys);
    add_auth(keys);
    add_tunnel(keys);
    return Schema<ProfileDraft>{std::move(keys)};
  }();
  return schema;
}

}  // namespace slopn::config
