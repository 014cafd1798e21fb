#include "libtunnel/core/wire/http_datagram.hpp"

#include <cassert>

namespace slopn::wire {

std::optional<HttpDatagram> parse_http_datagram(ByteView datagram) noexcept
{
  const auto quarter = read_varint(datagram);
  if (!quarter || *quarter > kMaxQuarterStreamId) return std::nullopt;
  HttpDatagram parsed;
  parsed.stream_id = *quarter * 4;
  parsed.context_id = read_varint(datagram);
  parsed.payload = datagram;
  return parsed;
}

HttpDatagramPrefix::HttpDatagramPrefix(std::uint64_t stream_id, std::uint64_t context_id) noexcept
{
  assert(stream_id % 4 == 0);
  size_ = put_varint(bytes_, stream_id / 4);
  size_ += put_varint(MutableByteView{bytes_}.subspan(size_), context_id);
}

}  // namespace slopn::wire
