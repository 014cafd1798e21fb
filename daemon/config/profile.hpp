#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/config/host_port.hpp"
#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"
#include "libtunnel/base/secret.hpp"
#include "libtunnel/crypto/certificate.hpp"
#include "libtunnel/crypto/keys.hpp"

namespace slopn::config {

/// The gateway's key is one of these, whoever signed its certificate.
struct PinnedKeys {
  std::vector<crypto::SpkiPin> pins;  ///< Never empty.
  friend bool operator==(const PinnedKeys&, const PinnedKeys&) = default;
};
/// The gateway's certificate is signed by a certificate authority and names the gateway.
struct CertificateAuthority {
  std::filesystem::path ca_file;  ///< PEM; empty: the system's store.
  friend bool operator==(const CertificateAuthority&, const CertificateAuthority&) = default;
};
/// There is no third way: a profile never accepts any certificate.
using Trust = std::variant<PinnedKeys, CertificateAuthority>;

/// RFC 9729: a signature over the TLS exporter. The key is in the profile or in a PEM file.
struct ConcealedAuth {
  std::variant<crypto::KeyPair, std::filesystem::path> key;
};
/// A TLS client certificate: PEM in the profile, or in files.
struct CertificateAuth {
  struct Files {
    std::filesystem::path certificate;
    std::filesystem::path private_key;
  };
  std::variant<crypto::Identity, Files> identity;
};
/// `Authorization: Bearer`, read from the file at every connect.
struct BearerAuth {
  std::filesystem::path token_file;
};
struct NoAuth {};
using Auth = std::variant<ConcealedAuth, CertificateAuth, BearerAuth, NoAuth>;

enum class AddressRequest {
  automatic,  ///< Wait a round trip for an unasked assignment, then ask.
  on,         ///< Ask at once.
  off         ///< Never ask: some gateways close the tunnel when asked.
};

inline constexpr std::string_view kDefaultPathTemplate =
    "/.well-known/masque/ip/{target}/{ipproto}/";

inline constexpr std::size_t kMaxGateways = 8;

/// A gateway, or several that are as good, and how to connect to it.
struct Profile {
  std::string name;                ///< See `is_valid_profile_name()`.
  std::vector<HostPort> gateways;  ///< In the order of preference; 1 to `kMaxGateways`.
  std::string server_name;         ///< For SNI and the CA check; empty: each gateway's host.
  Trust trust;
  Auth auth = NoAuth{};
  std::vector<IpPrefix> routes;  ///< Of those advertised, only what lies in these; empty: all.
  AddressRequest address_request = AddressRequest::automatic;
  std::string path_template{kDefaultPathTemplate};  ///< RFC 9484 section 3.
  std::optional<std::uint16_t> max_mtu_bytes;       ///< Inner; nullopt: what the config says.
  std::optional<std::chrono::seconds> keep_alive;   ///< nullopt: what the config says.
};

/// 1 to 64 of A-Z a-z 0-9 . _ - and no dot in front: safe as a file name.
[[nodiscard]] bool is_valid_profile_name(std::string_view name) noexcept;

/// Whether a profile may name files on this machine. Not when its text came from somebody else: the
/// daemon would read the file as root and hand its content to the gateway that the text names.
enum class FileReferences { allowed, refused };

inline constexpr std::size_t kMaxProfileBytes = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxUriBytes = 4096;

/// A profile in TOML; `origin` stands for the file name in complaints, which have the form that
/// `load()` describes. Errc::invalid_argument.
[[nodiscard]] Result<Profile> parse_profile(std::string_view toml, std::string_view origin,
                                            FileReferences files);

/// The inverse. Holds the private key, if the profile does.
[[nodiscard]] Secret<std::string> format_profile(const Profile& profile);

/// A profile as one line:
///
///     slopn://host[:port]/?v=1&pin=sha256:...&key=<base64url seed>&name=home
///
/// Hostile input: at most 4 KiB, every parameter known and at most once, no file names.
/// Errc::invalid_argument; the message never holds a value of `key`.
[[nodiscard]] Result<Profile> parse_uri(std::string_view uri);

/// The inverse. Errc::invalid_argument for a profile that names files or several gateways, or holds
/// a certificate.
[[nodiscard]] Result<Secret<std::string>> format_uri(const Profile& profile);

/// The `:path` of the request: the template for any target and protocol (RFC 9484 section 4.6).
[[nodiscard]] std::string request_path(const Profile& profile);

/// The keys of a profile's TOML file, for the documentation.
[[nodiscard]] std::string profile_keys_as_markdown();

/// "concealed", "certificate", "bearer" or "none".
[[nodiscard]] std::string_view method_name(const Auth& auth) noexcept;

/// The key pair, read from its file if need be.
[[nodiscard]] Result<crypto::KeyPair> load_key(const ConcealedAuth& auth);

/// The certificate, read from its files if need be.
[[nodiscard]] Result<crypto::Identity> load_identity(const CertificateAuth& auth);

/// The token without surrounding white space. Only characters that RFC 6750 allows, at most 16 KiB.
[[nodiscard]] Result<Secret<std::string>> load_token(const BearerAuth& auth);

}  // namespace slopn::config
