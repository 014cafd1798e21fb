#pragma once

#include <openssl/base.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <string>
#include <string_view>

/// What keys.cpp and certificate.cpp share; for this folder only.
namespace slopn::crypto::detail {

/// A BIO that reads `text`, which must outlive it.
[[nodiscard]] inline bssl::UniquePtr<BIO> bio_over(std::string_view text)
{
  return bssl::UniquePtr<BIO>{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

/// What has been written to a memory BIO.
[[nodiscard]] inline std::string text_of(BIO* bio)
{
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (BIO_mem_contents(bio, &data, &size) != 1) return {};
  return {reinterpret_cast<const char*>(data), size};
}

/// Reads an unencrypted private key. An encrypted one is not asked about: there is no terminal.
[[nodiscard]] inline bssl::UniquePtr<EVP_PKEY> read_private_key(std::string_view pem)
{
  const auto no_password = [](char*, int, int, void*) { return -1; };
  const auto bio = bio_over(pem);
  return bssl::UniquePtr<EVP_PKEY>{
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)};
}

/// PKCS#8 PEM; empty if the library cannot.
[[nodiscard]] inline std::string private_key_pem(EVP_PKEY* key)
{
  const bssl::UniquePtr<BIO> bio{BIO_new(BIO_s_mem())};
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return {};
  return text_of(bio.get());
}

/// Longer texts are no key and no certificate chain of ours.
inline constexpr std::size_t kMaxPemBytes = std::size_t{256} * 1024;

}  // namespace slopn::crypto::detail
