#include "libtunnel/crypto/certificate.hpp"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include "libtunnel/base/file.hpp"
#include "libtunnel/base/ip.hpp"
#include "libtunnel/crypto/openssl.hpp"

namespace slopn::crypto {
namespace {

constexpr std::string_view kPinPrefix = "sha256:";
constexpr long kDaySeconds = 24L * 60 * 60;
constexpr long kBackdatedSeconds = kDaySeconds;  // clients' clocks may be behind
constexpr long kValidSeconds = 3653 * kDaySeconds;
constexpr mode_t kKeyMode = 0600;
constexpr mode_t kCertificateMode = 0644;
constexpr int kSerialBits = 127;
constexpr std::size_t kMaxCommonNameBytes = 64;  // RFC 5280 appendix A.1
constexpr std::size_t kMaxNameBytes = 253;       // RFC 1035 section 2.3.4

Error refuse(Errc code, std::string_view why)
{
  ERR_clear_error();
  return fail(code, why);
}

bssl::UniquePtr<X509> read_certificate(std::string_view pem)
{
  if (pem.size() > detail::kMaxPemBytes) return nullptr;
  const auto bio = detail::bio_over(pem);
  return bssl::UniquePtr<X509>{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
}

std::string certificate_pem(X509* certificate)
{
  const bssl::UniquePtr<BIO> bio{BIO_new(BIO_s_mem())};
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
  return detail::text_of(bio.get());
}

bssl::UniquePtr<EVP_PKEY> make_p256_key()
{
  bssl::UniquePtr<EC_KEY> ec{EC_KEY_new_by_curve_name(NID_X9_62_prime256v1)};
  bssl::UniquePtr<EVP_PKEY> key{EVP_PKEY_new()};
  if (!ec || !key || EC_KEY_generate_key(ec.get()) != 1 ||
      EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) != 1)
    return nullptr;
  return key;
}

bool is_certificate_name(std::string_view name)
{
  if (IpAddress::parse(name)) return true;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return !name.empty() && name.size() <= kMaxNameBytes && std::ranges::all_of(name, allowed);
}

bool set_serial(X509* certificate)
{
  bssl::UniquePtr<BIGNUM> number{BN_new()};
  return number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_names(X509* certificate, std::string_view name)
{
  const std::string common{name.size() <= kMaxCommonNameBytes ? name : "slopn gateway"};
  X509_NAME* subject = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                    u8(as_bytes(common).data()), static_cast<int>(common.size()),
                                    -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1;
}

bool set_dates(X509* certificate)
{
  return X509_gmtime_adj(X509_getm_notBefore(certificate), -kBackdatedSeconds) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kValidSeconds) != nullptr;
}

// `name` as subjectAltName: an IP address (RFC 5280 section 4.2.1.6) or a DNS name.
bool add_alternative_name(X509* certificate, std::string_view name)
{
  const auto address = IpAddress::parse(name);
  const ByteView bytes = address ? address->bytes() : as_bytes(name);
  bssl::UniquePtr<ASN1_STRING> value{
      ASN1_STRING_type_new(address ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING)};
  bssl::UniquePtr<GENERAL_NAME> entry{GENERAL_NAME_new()};
  bssl::UniquePtr<GENERAL_NAMES> entries{GENERAL_NAMES_new()};
  if (!value || !entry || !entries ||
      ASN1_STRING_set(value.get(), bytes.data(), static_cast<int>(bytes.size())) != 1)
    return false;
  GENERAL_NAME_set0_value(entry.get(), address ? GEN_IPADD : GEN_DNS, value.release());
  if (sk_GENERAL_NAME_push(entries.get(), entry.get()) == 0) return false;
  (void)entry.release();
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, entries.get(), 0, 0) == 1;
}

constexpr int kCritical = 1;
constexpr int kNotCritical = 0;

bool add_extension(X509* certificate, int nid, void* value, int critical)
{
  return value != nullptr && X509_add1_ext_i2d(certificate, nid, value, critical, 0) == 1;
}

// An end entity that signs TLS handshakes as a server and nothing else; RFC 5280 section 4.2.1.
bool add_usage(X509* certificate)
{
  constexpr int kDigitalSignatureBit = 0;
  const bssl::UniquePtr<BASIC_CONSTRAINTS> no_ca{BASIC_CONSTRAINTS_new()};
  const bssl::UniquePtr<ASN1_BIT_STRING> usage{ASN1_BIT_STRING_new()};
  if (!usage || ASN1_BIT_STRING_set_bit(usage.get(), kDigitalSignatureBit, 1) != 1) return false;
  const bssl::UniquePtr<STACK_OF(ASN1_OBJECT)> purposes{sk_ASN1_OBJECT_new_null()};
  // OBJ_nid2obj returns a static object, which the list may "free".
  if (!purposes || sk_ASN1_OBJECT_push(purposes.get(), OBJ_nid2obj(NID_server_auth)) == 0)
    return false;
  return add_extension(certificate, NID_basic_constraints, no_ca.get(), kCritical) &&
         add_extension(certificate, NID_key_usage, usage.get(), kCritical) &&
         add_extension(certificate, NID_ext_key_usage, purposes.get(), kNotCritical);
}

Result<Identity> make_identity(EVP_PKEY* key, std::string_view name)
{
  if (!is_certificate_name(name))
    return refuse(Errc::invalid_argument, "certificate name \"" + std::string{name} + "\"");
  const bssl::UniquePtr<X509> certificate{X509_new()};
  X509* const raw = certificate.get();
  const bool made = raw != nullptr && X509_set_version(raw, X509_VERSION_3) == 1 &&
                    set_serial(raw) && set_names(raw, name) && set_dates(raw) &&
                    X509_set_pubkey(raw, key) == 1 && add_usage(raw) &&
                    add_alternative_name(raw, name) && X509_sign(raw, key, EVP_sha256()) != 0;
  if (!made) return refuse(Errc::tls_failure, "make a certificate");
  return Identity{certificate_pem(raw), Secret<std::string>{detail::private_key_pem(key)}};
}

Result<Identity> checked_identity(std::string certificate, std::string private_key)
{
  const auto parsed = read_certificate(certificate);
  if (!parsed) return refuse(Errc::invalid_argument, "no PEM certificate");
  const auto key = detail::read_private_key(private_key);
  if (!key) return refuse(Errc::invalid_argument, "no unencrypted PEM private key");
  if (X509_check_private_key(parsed.get(), key.get()) != 1)
    return refuse(Errc::invalid_argument, "the private key is not the certificate's");
  return Identity{std::move(certificate), Secret<std::string>{std::move(private_key)}};
}

Result<SpkiPin> pin_of(X509* certificate)
{
  std::uint8_t* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  const bssl::UniquePtr<std::uint8_t> owned{der};
  if (size <= 0) return refuse(Errc::invalid_argument, "no public key in the certificate");
  SpkiPin pin;
  SHA256(der, static_cast<std::size_t>(size), pin.sha256.data());
  return pin;
}

// Makes the files of an identity. A key that is there already is used again: its pin is in the
// clients' profiles, and only a start that was interrupted leaves it without a certificate.
Result<Identity> make_files(const std::filesystem::path& certificate_path,
                            const std::filesystem::path& key_path, std::string_view name)
{
  auto key = make_p256_key();
  if (std::filesystem::exists(key_path)) {
    const auto pem = read_file(key_path, {.max_bytes = detail::kMaxPemBytes});
    if (!pem) return pem.error();
    key = detail::read_private_key(*pem);
    if (!key) return refuse(Errc::data_corrupt, key_path.string() + ": no PEM private key");
  }
  if (!key) return refuse(Errc::tls_failure, "make a key");

  auto identity = make_identity(key.get(), name);
  if (!identity) return identity;
  if (auto written = atomic_write_file(key_path, identity->private_key_pem.reveal(), kKeyMode);
      !written)
    return written.error();
  if (auto written =
          atomic_write_file(certificate_path, identity->certificate_pem, kCertificateMode);
      !written)
    return written.error();
  return identity;
}

}  // namespace

std::optional<SpkiPin> SpkiPin::parse(std::string_view text)
{
  if (text.starts_with(kPinPrefix)) text.remove_prefix(kPinPrefix.size());
  const auto bytes = from_base64(text);
  SpkiPin pin;
  if (!bytes || bytes->size() != pin.sha256.size()) return std::nullopt;
  std::memcpy(pin.sha256.data(), bytes->data(), bytes->size());
  return pin;
}

std::string SpkiPin::to_string() const
{
  return std::string{kPinPrefix} + to_base64url(view(sha256.data(), sha256.size()));
}

Result<Identity> load_identity(const std::filesystem::path& certificate_path,
                               const std::filesystem::path& private_key_path)
{
  auto certificate = read_file(certificate_path, {.max_bytes = detail::kMaxPemBytes});
  if (!certificate) return certificate.error();
  auto key = read_file(private_key_path, {.max_bytes = detail::kMaxPemBytes});
  if (!key) return key.error();
  auto identity = checked_identity(std::move(*certificate), std::move(*key));
  if (!identity)
    return Error{identity.error()}.within(certificate_path.string() + ", " +
                                          private_key_path.string());
  return identity;
}

Result<Identity> make_self_signed_identity(std::string_view name)
{
  const auto key = make_p256_key();
  if (!key) return refuse(Errc::tls_failure, "make a key");
  return make_identity(key.get(), name);
}

Result<Identity> load_or_make_identity(const std::filesystem::path& dir, std::string_view name)
{
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) return fail(error, "create " + dir.string());

  const auto certificate_path = dir / "gateway.crt";
  const auto key_path = dir / "gateway.key";
  if (!std::filesystem::exists(certificate_path))
    return make_files(certificate_path, key_path, name);
  auto identity = load_identity(certificate_path, key_path);
  if (!identity && identity.error().code == make_error_code(Errc::invalid_argument))
    return fail(Errc::data_corrupt, identity.error().context);
  return identity;
}

Result<SpkiPin> spki_pin(std::string_view certificate_pem)
{
  const auto certificate = read_certificate(certificate_pem);
  if (!certificate) return refuse(Errc::invalid_argument, "no PEM certificate");
  return pin_of(certificate.get());
}

Result<SpkiPin> spki_pin_of_der(ByteView certificate_der)
{
  const std::uint8_t* der = u8(certificate_der.data());
  const bssl::UniquePtr<X509> certificate{
      d2i_X509(nullptr, &der, static_cast<long>(certificate_der.size()))};
  if (!certificate || der != u8(certificate_der.data()) + certificate_der.size())
    return refuse(Errc::invalid_argument, "no certificate");
  return pin_of(certificate.get());
}

}  // namespace slopn::crypto
