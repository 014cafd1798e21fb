#include "libtunnel/core/wire/ip_packet.hpp"

#include <cstddef>
#include <cstdint>

#include "libtunnel/core/queue/flow_hash.hpp"
#include "libtunnel/core/source_filter.hpp"
#include "tests/fuzz/must.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const ByteView bytes = view(data, size);
  ByteVector packet{bytes.begin(), bytes.end()};
  const auto header = wire::parse_ip_header(bytes);
  const bool hopped = wire::decrement_ttl(packet);
  if (!header) return 0;

  fuzz::must(header->packet_bytes <= size);
  fuzz::must(header->payload_offset <= header->packet_bytes);
  fuzz::must(header->source.version() == header->version);
  fuzz::must(header->destination.version() == header->version);
  fuzz::must(!header->is_later_fragment || header->is_fragment);
  fuzz::must(hopped == (header->ttl > 1));

  const auto after = wire::parse_ip_header(packet);
  fuzz::must(after && after->ttl == (hopped ? header->ttl - 1 : header->ttl));
  if (hopped && header->version == IpVersion::v4) {
    const auto header_bytes = header->payload_offset;
    const bool was_right = wire::internet_checksum(bytes.first(header_bytes)) == 0;
    fuzz::must(!was_right || wire::internet_checksum(ByteView{packet}.first(header_bytes)) == 0);
  }

  // Bytes after the packet do not belong to it, and the TTL to no flow.
  const std::uint32_t flow = queue::flow_hash(*header, bytes, 1);
  fuzz::must(queue::flow_hash(*header, bytes.first(header->packet_bytes), 1) == flow);
  fuzz::must(queue::flow_hash(*after, packet, 1) == flow);

  const SourceFilter filter{{IpPrefix::host(header->source)}};
  const auto reason = filter.check_from_client(*header);
  fuzz::must(!reason || reason == DropReason::bad_scope);
  return 0;
}
