#include "libtunnel/core/queue/flow_hash.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace slopn::queue {
namespace {

// Ports are the first four bytes of all of these.
constexpr std::uint8_t kProtocolDccp = 33;
constexpr std::uint8_t kProtocolSctp = 132;
constexpr std::uint8_t kProtocolUdpLite = 136;

/// Native byte order: the number never leaves this process.
template <class Word>
Word load(const std::byte* bytes) noexcept
{
  Word word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

/// SipHash (Aumasson and Bernstein) with one round a word and three at the end.
class SipHash13 {
 public:
  /// The second half of SipHash's key is derived from the first: 64 secret bits in all.
  explicit SipHash13(std::uint64_t key) noexcept
      : a_(key ^ 0x736f6d6570736575),
        b_(std::rotl(key, 32) ^ 0x646f72616e646f6d),
        c_(key ^ 0x6c7967656e657261),
        d_(std::rotl(key, 32) ^ 0x7465646279746573)
  {
  }

  void add(std::uint64_t word) noexcept
  {
    d_ ^= word;
    round();
    a_ ^= word;
  }

  [[nodiscard]] std::uint64_t finish() noexcept
  {
    c_ ^= 0xff;
    round();
    round();
    round();
    return a_ ^ b_ ^ c_ ^ d_;
  }

 private:
  void round() noexcept
  {
    a_ += b_;
    c_ += d_;
    b_ = std::rotl(b_, 13) ^ a_;
    d_ = std::rotl(d_, 16) ^ c_;
    a_ = std::rotl(a_, 32);
    c_ += b_;
    a_ += d_;
    b_ = std::rotl(b_, 17) ^ c_;
    d_ = std::rotl(d_, 21) ^ a_;
    c_ = std::rotl(c_, 32);
  }

  std::uint64_t a_, b_, c_, d_;
};

void add(SipHash13& hash, const IpAddress& address) noexcept
{
  const ByteView bytes = address.bytes();
  if (address.is_v4()) return hash.add(load<std::uint32_t>(bytes.data()));
  hash.add(load<std::uint64_t>(bytes.data()));
  hash.add(load<std::uint64_t>(bytes.data() + 8));
}

bool has_ports(std::uint8_t protocol) noexcept
{
  return protocol == wire::kProtocolTcp || protocol == wire::kProtocolUdp ||
         protocol == kProtocolDccp || protocol == kProtocolSctp || protocol == kProtocolUdpLite;
}

/// Both ports; 0 where there are none.
std::uint32_t ports(const wire::IpHeader& header, ByteView first_bytes) noexcept
{
  if (header.is_fragment || !has_ports(header.protocol)) return 0;
  const std::size_t end = std::min(header.packet_bytes, first_bytes.size());
  if (header.payload_offset > end || end - header.payload_offset < 4) return 0;
  return load<std::uint32_t>(first_bytes.data() + header.payload_offset);
}

}  // namespace

std::uint32_t flow_hash(const wire::IpHeader& header, ByteView first_bytes,
                        std::uint64_t salt) noexcept
{
  SipHash13 hash{salt};
  // The version tells how many words follow, so no two flows give the same words.
  hash.add((std::uint64_t{static_cast<std::uint8_t>(header.version)} << 40) |
           (std::uint64_t{header.protocol} << 32) | ports(header, first_bytes));
  add(hash, header.source);
  add(hash, header.destination);
  const std::uint64_t result = hash.finish();
  return static_cast<std::uint32_t>(result ^ (result >> 32));
}

}  // namespace slopn::queue
