#include "libtunnel/core/wire/checksum.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

#include "libtunnel/core/wire/checksum_variants.hpp"

namespace slopn::wire {
namespace {

// Headers and small packets: setting up wide registers costs more than it saves.
constexpr std::size_t kWideFromBytes = 64;

ChecksumVariant best_variant() noexcept
{
  const auto wide = wide_checksum_variants();
  return wide.empty() ? ChecksumVariant{"scalar", &sum_words_scalar} : wide.front();
}

const ChecksumVariant& best() noexcept
{
  static const ChecksumVariant kVariant = best_variant();
  return kVariant;
}

template <class Word>
Word load(const std::byte* from) noexcept
{
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

}  // namespace

std::uint64_t from_native_sum(std::uint64_t sum) noexcept
{
  const std::uint16_t folded = fold(sum);
  if constexpr (std::endian::native == std::endian::big) return folded;
  return static_cast<std::uint16_t>(folded << 8U | folded >> 8U);
}

std::uint64_t sum_words_scalar(ByteView bytes) noexcept
{
  constexpr std::uint64_t kLow = 0xffff'ffffU;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  // Halves of 64-bit words, each into its own sum: no carry is lost before 16 GB.
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  for (; left >= 16; at += 16, left -= 16) {
    const auto first = load<std::uint64_t>(at);
    const auto second = load<std::uint64_t>(at + 8);
    low += (first & kLow) + (second & kLow);
    high += (first >> 32U) + (second >> 32U);
  }
  for (; left >= 4; at += 4, left -= 4) low += load<std::uint32_t>(at);
  if (left != 0) {
    std::uint32_t rest = 0;  // zeros follow the last byte
    std::memcpy(&rest, at, left);
    low += rest;
  }
  return from_native_sum((low & kLow) + (low >> 32U) + (high & kLow) + (high >> 32U));
}

std::uint64_t sum_words(ByteView bytes) noexcept
{
  return bytes.size() < kWideFromBytes ? sum_words_scalar(bytes) : best().sum(bytes);
}

std::uint16_t fold(std::uint64_t sum) noexcept
{
  sum = (sum >> 32U) + (sum & 0xffff'ffffU);
  sum = (sum >> 32U) + (sum & 0xffff'ffffU);
  sum = (sum >> 16U) + (sum & 0xffffU);
  sum = (sum >> 16U) + (sum & 0xffffU);
  return static_cast<std::uint16_t>((sum >> 16U) + (sum & 0xffffU));
}

const char* checksum_instructions() noexcept
{
  return best().name;
}

}  // namespace slopn::wire
