#include "libtunnel/crypto/aead_speed.hpp"

#include <catch2/catch_test_macros.hpp>

#include "libtunnel/base/clock.hpp"

namespace slopn::crypto {

TEST_CASE("aead speed: is measured once", "[unit][crypto]")
{
  const Aead first = fastest_aead();
  const auto start = Clock::now();
  for (int i = 0; i < 1000; ++i) CHECK(fastest_aead() == first);
  CHECK(Clock::now() - start < std::chrono::seconds(1));
}

#if defined(__x86_64__)
TEST_CASE("aead speed: AES wins where the processor has instructions for it", "[unit][crypto]")
{
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("aes")) SKIP("this processor has none");
  CHECK(fastest_aead() == Aead::aes_128_gcm);
}
#endif

}  // namespace slopn::crypto
