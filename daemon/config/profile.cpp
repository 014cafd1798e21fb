#include "daemon/config/profile.hpp"

#include <algorithm>

#include "daemon/config/profile_schema.hpp"
#include "libtunnel/base/file.hpp"
#include "libtunnel/base/overloaded.hpp"

namespace slopn::config {
namespace {

bool is_letter_or_digit(char c) noexcept
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 6750 section 2.1.
bool is_token_character(char c) noexcept
{
  constexpr std::string_view kOthers = "-._~+/=";
  return is_letter_or_digit(c) || kOthers.find(c) != std::string_view::npos;
}

std::string_view section_of(std::string_view key) noexcept
{
  const auto dot = key.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : key.substr(0, dot);
}

// A private key's text may stand anywhere in the file, so no complaint quotes a broken line.
std::optional<Profile> read_profile(std::string_view toml, const DraftContext& context,
                                    Origins& origins, Diagnostics& diagnostics)
{
  const auto table = read_toml(toml, context.origin, TomlContent::secret, diagnostics);
  if (!table) return std::nullopt;
  ProfileDraft draft;
  profile_schema().apply(*table, {draft, origins, diagnostics});
  if (!diagnostics.empty()) return std::nullopt;
  return to_profile(draft, context, diagnostics);
}

}  // namespace

bool is_valid_profile_name(std::string_view name) noexcept
{
  constexpr std::size_t kMaxNameBytes = 64;
  constexpr std::string_view kOthers = "._-";
  if (name.empty() || name.size() > kMaxNameBytes || name.front() == '.') return false;
  return std::ranges::all_of(name, [&](char c) {
    return is_letter_or_digit(c) || kOthers.find(c) != std::string_view::npos;
  });
}

Result<Profile> parse_profile(std::string_view toml, std::string_view origin, FileReferences files)
{
  Diagnostics diagnostics;
  Origins origins;
  const DraftContext context{std::string{origin}, origins, files};
  if (toml.size() > kMaxProfileBytes) {
    diagnostics.add({context.origin}, "longer than " + std::to_string(kMaxProfileBytes) + " bytes");
    return diagnostics.to_error(Errc::invalid_argument);
  }
  auto profile = read_profile(toml, context, origins, diagnostics);
  if (!profile) return diagnostics.to_error(Errc::invalid_argument);
  return std::move(*profile);
}

Secret<std::string> format_profile(const Profile& profile)
{
  const ProfileDraft draft = to_draft(profile);
  const ProfileDraft nothing;
  std::string text;
  std::string section;
  for (const auto& key : profile_schema().keys()) {
    const auto value = key.show(draft);
    if (value == key.show(nothing)) continue;
    if (section_of(key.name) != section) {
      section = section_of(key.name);
      text += "\n[" + section + "]\n";
    }
    const auto name = section.empty() ? key.name : key.name.substr(section.size() + 1);
    text += name + " = " + value + "\n";
  }
  return Secret<std::string>{std::move(text)};
}

std::string request_path(const Profile& profile)
{
  std::string path;
  std::string_view rest = profile.path_template;
  while (!rest.empty()) {
    const auto brace = rest.find('{');
    path += rest.substr(0, brace);
    if (brace == std::string_view::npos) break;
    path += '*';
    rest = rest.substr(std::min(rest.find('}'), rest.size() - 1) + 1);
  }
  return path;
}

std::string profile_keys_as_markdown()
{
  std::string text = "| key | type | default | meaning |\n|---|---|---|---|\n";
  for (const auto& key : key_infos(profile_schema(), ProfileDraft{})) {
    const bool has_default = key.default_value.size() > 2;  // more than "" or []
    text += "| `" + key.name + "` | " + key.type + " | " +
            (has_default ? "`" + key.default_value + "`" : "") + " | " + key.description + " |\n";
  }
  return text;
}

std::string_view method_name(const Auth& auth) noexcept
{
  return std::visit(
      Overloaded{[](const ConcealedAuth&) -> std::string_view { return "concealed"; },
                 [](const CertificateAuth&) -> std::string_view { return "certificate"; },
                 [](const BearerAuth&) -> std::string_view { return "bearer"; },
                 [](const NoAuth&) -> std::string_view { return "none"; }},
      auth);
}

Result<crypto::KeyPair> load_key(const ConcealedAuth& auth)
{
  if (const auto* key = std::get_if<crypto::KeyPair>(&auth.key)) return *key;
  return crypto::KeyPair::load(std::get<std::filesystem::path>(auth.key));
}

Result<crypto::Identity> load_identity(const CertificateAuth& auth)
{
  if (const auto* identity = std::get_if<crypto::Identity>(&auth.identity)) return *identity;
  const auto& files = std::get<CertificateAuth::Files>(auth.identity);
  return crypto::load_identity(files.certificate, files.private_key);
}

Result<Secret<std::string>> load_token(const BearerAuth& auth)
{
  constexpr std::size_t kMaxTokenBytes = 16384;
  constexpr std::string_view kSpace = " \t\r\n";
  auto content = read_file(auth.token_file, {kMaxTokenBytes});
  if (!content) return content.error();
  const auto first = content->find_first_not_of(kSpace);
  if (first == std::string::npos)
    return fail(Errc::invalid_argument, auth.token_file.string() + " holds no token");
  auto token = content->substr(first, content->find_last_not_of(kSpace) - first + 1);
  if (!std::ranges::all_of(token, is_token_character)) {
    return fail(Errc::invalid_argument,
                auth.token_file.string() + " holds characters that no token has");
  }
  return Secret<std::string>{std::move(token)};
}

}  // namespace slopn::config
