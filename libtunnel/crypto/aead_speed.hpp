#pragma once

#include <cstdint>

namespace slopn::crypto {

enum class Aead : std::uint8_t { aes_128_gcm, chacha20_poly1305 };

/// Which of the two seals packets faster on this machine: measured at the first call, which takes
/// about a millisecond, and remembered. AES where it is close: the other end mostly has AES too.
[[nodiscard]] Aead fastest_aead();

}  // namespace slopn::crypto
