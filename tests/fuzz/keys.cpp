// Keys, pins and certificates as text and as DER.

#include "libtunnel/crypto/keys.hpp"

#include <cstddef>
#include <cstdint>

#include "libtunnel/crypto/certificate.hpp"
#include "tests/fuzz/must.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const ByteView bytes = view(data, size);
  const std::string_view text = as_text(bytes);

  if (const auto key = crypto::PublicKey::parse(text)) {
    fuzz::must(crypto::PublicKey::parse(key->to_string()) == key);
    (void)key->verify(bytes, ByteVector(crypto::KeyPair::kSignatureBytes));
  }
  if (const auto pin = crypto::SpkiPin::parse(text))
    fuzz::must(crypto::SpkiPin::parse(pin->to_string()) == pin);
  if (const auto pair = crypto::KeyPair::from_pem(text)) {
    const auto again = crypto::KeyPair::from_pem(pair->to_pem().reveal());
    fuzz::must(again && again->public_key() == pair->public_key());
  }
  (void)crypto::spki_pin(text);
  (void)crypto::spki_pin_of_der(bytes);
  return 0;
}
