#pragma once

#include "daemon/config/profile.hpp"
#include "daemon/config/schema.hpp"

/// What a profile's TOML file and its URI have in common: the keys, before they are known to make
/// sense together.
namespace slopn::config {

enum class Method { unset, concealed, certificate, bearer, none };

struct ProfileDraft {
  std::string name;
  std::optional<HostPort> gateway;
  std::vector<HostPort> gateways;
  std::string server_name;
  std::vector<crypto::SpkiPin> pins;
  std::string ca;  ///< "system", an absolute path, or empty.
  Method method = Method::unset;
  std::optional<Secret<crypto::KeyPair::Seed>> key;
  std::filesystem::path key_file;
  std::string certificate;
  Secret<std::string> private_key;
  std::filesystem::path certificate_file;
  std::filesystem::path private_key_file;
  std::filesystem::path token_file;
  std::vector<IpPrefix> routes;
  AddressRequest address_request = AddressRequest::automatic;
  std::string path_template{kDefaultPathTemplate};
  std::optional<std::uint16_t> max_mtu_bytes;
  std::optional<std::chrono::seconds> keep_alive;
};

/// Keys in the order in which a file has them: those of the root first, then section by section.
[[nodiscard]] const Schema<ProfileDraft>& profile_schema();

/// Where a complaint about the whole is placed, and whether files may be named.
struct DraftContext {
  std::string origin;
  const Origins& origins;
  FileReferences files;
};

/// The profile that `draft` describes, or complaints about what does not go together.
[[nodiscard]] std::optional<Profile> to_profile(const ProfileDraft& draft,
                                                const DraftContext& context,
                                                Diagnostics& diagnostics);

[[nodiscard]] ProfileDraft to_draft(const Profile& profile);

}  // namespace slopn::config
