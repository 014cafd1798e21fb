#include <algorithm>
#include <array>
#include <set>

#include "daemon/config/profile_schema.hpp"

namespace slopn::config {
namespace {

constexpr std::string_view kScheme = "slopn://";
constexpr std::string_view kVersion = "1";

struct Parameter {
  std::string_view name;
  std::string_view key;  ///< Of the profile.
};

constexpr std::array kParameters{
    Parameter{"name", "name"},
    Parameter{"pin", "pins"},
    Parameter{"ca", "ca"},
    Parameter{"server_name", "server_name"},
    Parameter{"auth", "auth.method"},
    Parameter{"key", "auth.key"},
    Parameter{"routes", "tunnel.routes"},
    Parameter{"address_request", "tunnel.address_request"},
    Parameter{"path", "tunnel.path"},
    Parameter{"mtu", "tunnel.max_mtu_bytes"},
    Parameter{"keep_alive", "tunnel.keep_alive_s"},
};

std::vector<std::string> parameter_names()
{
  std::vector<std::string> names{"v"};
  for (const auto& parameter : kParameters) names.emplace_back(parameter.name);
  return names;
}

std::optional<unsigned> hex_digit(char c) noexcept
{
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// Printable ASCII only, before and after: nothing of ours needs more.
std::optional<std::string> percent_decoded(std::string_view text)
{
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const auto high = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
      const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high << 4U | *low);
      i += 2;
    }
    if (c < ' ' || c > '~') return std::nullopt;
    decoded += c;
  }
  return decoded;
}

std::string percent_encoded(std::string_view text)
{
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/,*";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded.append({'%', kHexDigits[byte >> 4U], kHexDigits[byte & 15U]});
    }
  }
  return encoded;
}

bool starts_with_scheme(std::string_view uri) noexcept
{
  return uri.size() >= kScheme.size() &&
         std::ranges::equal(uri.substr(0, kScheme.size()), kScheme, [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

/// Reads a URI part by part. No complaint quotes a parameter's value before the parameter is known
/// to be none that holds a secret.
class UriReader {
 public:
  std::optional<Profile> read(std::string_view uri)
  {
    if (!starts_with_scheme(uri)) return refuse("does not begin with slopn://");
    if (uri.find('#') != std::string_view::npos) return refuse("must have no fragment (#)");
    uri.remove_prefix(kScheme.size());
    const auto authority = uri.substr(0, uri.find_first_of("/?"));
    uri.remove_prefix(authority.size());
    if (uri.starts_with('/')) uri.remove_prefix(1);
    if (uri.empty() || uri.front() != '?')
      return refuse("wants the form slopn://host:port/?v=1&...");
    read_authority(authority);
    read_parameters(uri.substr(1));
    if (!diagnostics_.empty()) return std::nullopt;
    return to_profile(draft_, {kOrigin, origins_, FileReferences::refused}, diagnostics_);
  }

  Diagnostics& diagnostics() noexcept { return diagnostics_; }

 private:
  static constexpr const char* kOrigin = "slopn:// URI";

  std::nullopt_t refuse(std::string_view what)
  {
    diagnostics_.add({kOrigin}, what);
    return std::nullopt;
  }

  void read_authority(std::string_view authority)
  {
    if (authority.find('@') != std::string_view::npos) {
      refuse("must have no user name (@)");
      return;
    }
    profile_schema().set(*profile_schema().find("gateway"),
                         {{kOrigin}, Text{std::string{authority}}}, target());
  }

  void read_parameters(std::string_view query)
  {
    while (!query.empty()) {
      const auto ampersand = query.find('&');
      read_parameter(query.substr(0, ampersand));
      query =
          ampersand == std::string_view::npos ? std::string_view{} : query.substr(ampersand + 1);
    }
    if (!seen_.contains("v")) refuse("parameter v is missing: v=1 says how to read the rest");
  }

  void read_parameter(std::string_view text)
  {
    const auto equals = text.find('=');
    const std::string name{text.substr(0, equals)};
    if (equals == std::string_view::npos) {
      refuse("parameter " + printable(name, 20) + " has no value");
      return;
    }
    if (!seen_.insert(name).second) {
      refuse("parameter " + printable(name) + " occurs twice");
      return;
    }
    const auto value = percent_decoded(text.substr(equals + 1));
    if (!value) {
      refuse("parameter " + printable(name) + " is not valid percent-encoded ASCII");
      return;
    }
    set(name, *value);
  }

  void set(const std::string& name, const std::string& value)
  {
    if (name == "v") {
      if (value != kVersion) {
        refuse("v=" + printable(value, 20) +
               " is a newer form than this slopn knows; it knows v=" + std::string{kVersion});
      }
      return;
    }
    const auto* const parameter = std::ranges::find(kParameters, name, &Parameter::name);
    if (parameter == kParameters.end()) {
      refuse("unknown parameter " + printable(name) + did_you_mean(name, parameter_names()));
      return;
    }
    profile_schema().set(*profile_schema().find(parameter->key),
                         {{"slopn:// URI, parameter " + name}, Text{value}}, target());
  }

  Schema<ProfileDraft>::Target target() { return {draft_, origins_, diagnostics_}; }

  ProfileDraft draft_;
  Origins origins_;
  Diagnostics diagnostics_;
  std::set<std::string, std::less<>> seen_;
};

// What a TOML value looks like in a URI: strings without quotes, lists with commas. Every type that
// a parameter takes has a text without quotes and brackets.
std::string bare(std::string_view toml)
{
  std::string text;
  for (const char c : toml) {
    if (c != '"' && c != '[' && c != ']' && c != ' ') text += c;
  }
  return text;
}

bool fits_into_uri(const Profile& profile) noexcept
{
  if (profile.gateways.size() != 1) return false;
  if (std::holds_alternative<CertificateAuth>(profile.auth)) return false;
  if (std::holds_alternative<BearerAuth>(profile.auth)) return false;
  const auto* concealed = std::get_if<ConcealedAuth>(&profile.auth);
  if (concealed != nullptr && !std::holds_alternative<crypto::KeyPair>(concealed->key))
    return false;
  const auto* authority = std::get_if<CertificateAuthority>(&profile.trust);
  return authority == nullptr || authority->ca_file.empty();
}

}  // namespace

Result<Profile> parse_uri(std::string_view uri)
{
  UriReader reader;
  if (uri.size() > kMaxUriBytes) {
    return fail(Errc::invalid_argument,
                "slopn:// URI: longer than " + std::to_string(kMaxUriBytes) + " bytes");
  }
  auto profile = reader.read(uri);
  if (!profile) return reader.diagnostics().to_error(Errc::invalid_argument);
  return std::move(*profile);
}

Result<Secret<std::string>> format_uri(const Profile& profile)
{
  if (!fits_into_uri(profile)) {
    return fail(
        Errc::invalid_argument,
        "a slopn:// URI holds one gateway, no file names and no certificates; copy the profile's "
        "file");
  }
  const ProfileDraft draft = to_draft(profile);
  const ProfileDraft nothing;
  std::string uri{kScheme};
  uri.append(profile.gateways.front().to_string()).append("/?v=").append(kVersion);
  for (const auto& parameter : kParameters) {
    const auto* key = profile_schema().find(parameter.key);
    const auto value = key->show(draft);
    if (value == key->show(nothing)) continue;
    uri.append("&").append(parameter.name).append("=").append(percent_encoded(bare(value)));
  }
  if (uri.size() > kMaxUriBytes)
    return fail(Errc::invalid_argument, "the profile is too long for a slopn:// URI");
  return Secret<std::string>{std::move(uri)};
}

}  // namespace slopn::config
