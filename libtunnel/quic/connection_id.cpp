#include "libtunnel/quic/connection_id.hpp"

#include <openssl/rand.h>

#include <algorithm>

namespace slopn::quic {

ConnectionId::ConnectionId(ByteView bytes) noexcept
    : size_(static_cast<std::uint8_t>(std::min(bytes.size(), kMaxBytes)))
{
  if (size_ > 0) std::memcpy(bytes_.data(), bytes.data(), size_);
}

ConnectionId ConnectionIdFactory::make() const
{
  std::array<std::uint8_t, kBytes> id{};
  RAND_bytes(id.data(), id.size());
  id[0] = worker_;
  return ConnectionId{view(id.data(), id.size())};
}

}  // namespace slopn::quic
