#include "libtunnel/crypto/random.hpp"

#include <openssl/rand.h>

#include <array>
#include <cstdint>

namespace slopn::crypto {

void prepare_random_numbers()
{
  std::array<std::uint8_t, 1> unused{};
  RAND_bytes(unused.data(), unused.size());
}

}  // namespace slopn::crypto
