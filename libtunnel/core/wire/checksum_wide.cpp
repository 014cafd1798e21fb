// sum_words() with the vector instructions of x86-64 and aarch64. Each function is compiled for its
// own instructions and called only where the CPU has them; the rest of the program needs none.

#include <array>
#include <cstddef>
#include <cstring>

#include "libtunnel/core/wire/checksum_variants.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

namespace slopn::wire {
namespace {

// Both functions add the lower and the upper half of each 64-bit lane to two sums of 64-bit lanes:
// nothing can overflow, and there are no carries to watch.

[[gnu::target("avx2")]] std::uint64_t sum_words_avx2(ByteView bytes) noexcept
{
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  const __m256i low_half = _mm256_set1_epi64x(0xffff'ffff);
  __m256i low_a = _mm256_setzero_si256();
  __m256i low_b = _mm256_setzero_si256();
  __m256i high_a = _mm256_setzero_si256();
  __m256i high_b = _mm256_setzero_si256();
  for (; left >= 64; at += 64, left -= 64) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32));
    low_a = _mm256_add_epi64(low_a, _mm256_and_si256(a, low_half));
    low_b = _mm256_add_epi64(low_b, _mm256_and_si256(b, low_half));
    high_a = _mm256_add_epi64(high_a, _mm256_srli_epi64(a, 32));
    high_b = _mm256_add_epi64(high_b, _mm256_srli_epi64(b, 32));
  }
  if (left >= 32) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    low_a = _mm256_add_epi64(low_a, _mm256_and_si256(a, low_half));
    high_a = _mm256_add_epi64(high_a, _mm256_srli_epi64(a, 32));
    at += 32;
    left -= 32;
  }
  const __m256i sums =
      _mm256_add_epi64(_mm256_add_epi64(low_a, low_b), _mm256_add_epi64(high_a, high_b));
  const __m128i pair =
      _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  const __m128i sum = _mm_add_epi64(pair, _mm_unpackhi_epi64(pair, pair));
  return from_native_sum(static_cast<std::uint64_t>(_mm_cvtsi128_si64(sum))) +
         sum_words_scalar({at, left});
}

// With operators where there are some: GCC 12 warns about its own 512-bit functions (bug 105593).
using Lanes [[gnu::vector_size(64)]] = std::uint64_t;

[[gnu::target("avx512f,avx512bw")]] std::uint64_t sum_words_avx512(ByteView bytes) noexcept
{
  constexpr std::uint64_t kLow = 0xffff'ffffU;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  Lanes low_a{};
  Lanes low_b{};
  Lanes high_a{};
  Lanes high_b{};
  for (; left >= 128; at += 128, left -= 128) {
    Lanes a;
    Lanes b;
    std::memcpy(&a, at, sizeof a);
    std::memcpy(&b, at + sizeof a, sizeof b);
    low_a += a & kLow;
    low_b += b & kLow;
    high_a += a >> 32U;
    high_b += b >> 32U;
  }
  // What is left in one or two steps: bytes that are masked out are not read, and count as zero.
  while (left != 0) {
    const std::size_t now = left < sizeof(Lanes) ? left : sizeof(Lanes);
    const __mmask64 mask = ~std::uint64_t{0} >> (sizeof(Lanes) - now);
    const auto a = reinterpret_cast<Lanes>(_mm512_maskz_loadu_epi8(mask, at));
    low_a += a & kLow;
    high_a += a >> 32U;
    at += now;
    left -= now;
  }
  const Lanes sums = low_a + low_b + high_a + high_b;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < sizeof(Lanes) / sizeof sum; ++i) sum += sums[i];
  return from_native_sum(sum);
}

struct Available {
  std::array<ChecksumVariant, 2> variants;
  std::size_t count = 0;
};

Available find_available() noexcept
{
  Available available;
  __builtin_cpu_init();
  const auto add = [&](const ChecksumVariant& variant) {
    available.variants[available.count++] = variant;
  };
  // VBMI2 came with the first CPUs that do not lower their clock for 512-bit registers.
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vbmi2"))
    add({"avx512", &sum_words_avx512});
  if (__builtin_cpu_supports("avx2")) add({"avx2", &sum_words_avx2});
  return available;
}

}  // namespace

std::span<const ChecksumVariant> wide_checksum_variants() noexcept
{
  static const Available kAvailable = find_available();
  return std::span{kAvailable.variants}.first(kAvailable.count);
}

}  // namespace slopn::wire

#elif defined(__aarch64__)

#include <arm_neon.h>

namespace slopn::wire {
namespace {

// A 32-bit lane takes two words a step: this many bytes before it could overflow.
constexpr std::size_t kBlockBytes = 256 * 1024;

std::uint64_t sum_words_neon(ByteView bytes) noexcept
{
  const std::uint8_t* at = u8(bytes.data());
  std::size_t left = bytes.size();
  std::uint64_t sum = 0;
  while (left >= 32) {
    uint32x4_t a = vdupq_n_u32(0);
    uint32x4_t b = vdupq_n_u32(0);
    std::size_t block = left < kBlockBytes ? left : kBlockBytes;
    for (; block >= 32; at += 32, left -= 32, block -= 32) {
      a = vpadalq_u16(a, vreinterpretq_u16_u8(vld1q_u8(at)));
      b = vpadalq_u16(b, vreinterpretq_u16_u8(vld1q_u8(at + 16)));
    }
    sum += vaddlvq_u32(a) + vaddlvq_u32(b);
  }
  return from_native_sum(sum) + sum_words_scalar(view(at, left));
}

constexpr std::array kVariants{ChecksumVariant{"neon", &sum_words_neon}};

}  // namespace

std::span<const ChecksumVariant> wide_checksum_variants() noexcept
{
  return kVariants;
}

}  // namespace slopn::wire

#else

namespace slopn::wire {

std::span<const ChecksumVariant> wide_checksum_variants() noexcept
{
  return {};
}

}  // namespace slopn::wire

#endif
