#include <algorithm>
#include <array>

#include "daemon/config/profile_schema.hpp"
#include "libtunnel/base/overloaded.hpp"

namespace slopn::config {
namespace {

/// Which keys a method takes, and turning a draft into the parts of a profile.
class Assembly {
 public:
  Assembly(const ProfileDraft& draft, const DraftContext& context, Diagnostics& diagnostics)
      : draft_(draft), context_(context), diagnostics_(diagnostics)
  {
  }

  void check_files()
  {
    if (context_.files == FileReferences::allowed) return;
    constexpr std::array kFileKeys{"auth.key_file", "auth.certificate_file",
                                   "auth.private_key_file", "auth.token_file"};
    for (const auto* const key : kFileKeys) {
      if (is_set(key)) complain(key, "a profile from elsewhere must not name files here");
    }
    if (draft_.ca.starts_with('/'))
      complain("ca", "a profile from elsewhere must not name files here");
  }

  Trust trust()
  {
    if (draft_.pins.empty() && draft_.ca.empty()) {
      complain("pins",
               "a profile needs pins, or ca = \"system\", to know the gateway by; a gateway prints "
               "its pin when it starts");
    }
    if (!draft_.pins.empty() && !draft_.ca.empty())
      complain("ca", "pins and ca exclude each other");
    if (!draft_.pins.empty()) return PinnedKeys{draft_.pins};
    if (draft_.ca == "system") return CertificateAuthority{};
    return CertificateAuthority{draft_.ca};
  }

  Auth auth()
  {
    switch (method()) {
      case Method::unset:
        complain("auth.method", "missing: say how the client proves who it is");
        return NoAuth{};
      case Method::concealed:
        refuse_other_than({"auth.key", "auth.key_file"});
        return concealed();
      case Method::certificate:
        refuse_other_than({"auth.certificate", "auth.private_key", "auth.certificate_file",
                           "auth.private_key_file"});
        return certificate();
      case Method::bearer:
        refuse_other_than({"auth.token_file"});
        if (draft_.token_file.empty()) complain("auth.token_file", "missing");
        return BearerAuth{draft_.token_file};
      case Method::none:
        refuse_other_than({});
        return NoAuth{};
    }
    return NoAuth{};
  }

  std::vector<HostPort> gateways()
  {
    if (draft_.gateway && !draft_.gateways.empty())
      complain("gateways", "gateway and gateways exclude each other");
    if (draft_.gateway) return {*draft_.gateway};
    if (draft_.gateways.empty()) complain("gateway", "missing: say which gateway to connect to");
    return draft_.gateways;
  }

  std::string name(const std::vector<HostPort>& gateways) const
  {
    constexpr std::size_t kMaxNameBytes = 64;
    if (!draft_.name.empty() || gateways.empty()) return draft_.name;
    std::string made = gateways.front().host.substr(0, kMaxNameBytes);
    std::ranges::replace(made, ':', '-');
    return made;
  }

 private:
  void complain(std::string_view key, std::string_view what)
  {
    const auto origin = context_.origins.find(key);
    const Position at =
        origin == context_.origins.end() ? Position{context_.origin} : origin->second;
    diagnostics_.add(at, std::string{key}.append(": ").append(what));
  }

  // Whether the text has the key with something in it.
  bool is_set(std::string_view key) const
  {
    static const ProfileDraft nothing;
    const auto* found = profile_schema().find(key);
    return found->show(draft_) != found->show(nothing);
  }

  Method method() const
  {
    const bool has_key = draft_.key.has_value() || !draft_.key_file.empty();
    return draft_.method == Method::unset && has_key ? Method::concealed : draft_.method;
  }

  void refuse_other_than(std::initializer_list<std::string_view> allowed)
  {
    for (const auto& key : profile_schema().keys()) {
      if (!key.name.starts_with("auth.") || key.name == "auth.method" || !is_set(key.name))
        continue;
      if (std::ranges::find(allowed, key.name) == allowed.end())
        complain(key.name, "does not go with this auth.method");
    }
  }

  Auth concealed()
  {
    if (draft_.key.has_value() == !draft_.key_file.empty())
      complain("auth.key", "concealed needs either auth.key or auth.key_file");
    if (draft_.key) return ConcealedAuth{crypto::KeyPair::from_seed(*draft_.key)};
    return ConcealedAuth{draft_.key_file};
  }

  Auth certificate()
  {
    const bool inside = !draft_.certificate.empty() && !draft_.private_key.reveal().empty();
    const bool in_files = !draft_.certificate_file.empty() && !draft_.private_key_file.empty();
    if (inside == in_files) {
      complain("auth.certificate",
               "certificate needs either auth.certificate and auth.private_key, or "
               "auth.certificate_file and auth.private_key_file");
    }
    if (inside) return CertificateAuth{crypto::Identity{draft_.certificate, draft_.private_key}};
    return CertificateAuth{
        CertificateAuth::Files{draft_.certificate_file, draft_.private_key_file}};
  }

  const ProfileDraft& draft_;
  const DraftContext& context_;
  Diagnostics& diagnostics_;
};

void put_auth(ProfileDraft& draft, const ConcealedAuth& auth)
{
  draft.method = Method::concealed;
  std::visit(Overloaded{[&](const crypto::KeyPair& key) { draft.key = key.seed(); },
                        [&](const std::filesystem::path& file) { draft.key_file = file; }},
             auth.key);
}

void put_auth(ProfileDraft& draft, const CertificateAuth& auth)
{
  draft.method = Method::certificate;
  std::visit(Overloaded{[&](const crypto::Identity& identity) {
                          draft.certificate = identity.certificate_pem;
                          draft.private_key = identity.private_key_pem;
                        },
                        [&](const CertificateAuth::Files& files) {
                          draft.certificate_file = files.certificate;
                          draft.private_key_file = files.private_key;
                        }},
             auth.identity);
}

void put_auth(ProfileDraft& draft, const BearerAuth& auth)
{
  draft.method = Method::bearer;
  draft.token_file = auth.token_file;
}

void put_auth(ProfileDraft& draft, const NoAuth&)
{
  draft.method = Method::none;
}

void put_trust(ProfileDraft& draft, const Trust& trust)
{
  std::visit(Overloaded{[&](const PinnedKeys& pinned) { draft.pins = pinned.pins; },
                        [&](const CertificateAuthority& authority) {
                          draft.ca =
                              authority.ca_file.empty() ? "system" : authority.ca_file.string();
                        }},
             trust);
}

}  // namespace

std::optional<Profile> to_profile(const ProfileDraft& draft, const DraftContext& context,
                                  Diagnostics& diagnostics)
{
  Assembly assembly{draft, context, diagnostics};
  assembly.check_files();
  const auto gateways = assembly.gateways();
  Profile profile{.name = assembly.name(gateways),
                  .gateways = gateways,
                  .server_name = draft.server_name,
                  .trust = assembly.trust(),
                  .auth = assembly.auth(),
                  .routes = draft.routes,
                  .address_request = draft.address_request,
                  .path_template = draft.path_template,
                  .max_mtu_bytes = draft.max_mtu_bytes,
                  .keep_alive = draft.keep_alive};
  if (!diagnostics.empty()) return std::nullopt;
  return profile;
}

ProfileDraft to_draft(const Profile& profile)
{
  ProfileDraft draft;
  draft.name = profile.name;
  if (profile.gateways.size() == 1) {
    draft.gateway = profile.gateways.front();
  } else {
    draft.gateways = profile.gateways;
  }
  draft.server_name = profile.server_name;
  draft.routes = profile.routes;
  draft.address_request = profile.address_request;
  draft.path_template = profile.path_template;
  draft.max_mtu_bytes = profile.max_mtu_bytes;
  draft.keep_alive = profile.keep_alive;
  put_trust(draft, profile.trust);
  std::visit([&](const auto& auth) { put_auth(draft, auth); }, profile.auth);
  return draft;
}

}  // namespace slopn::config
