// Whatever goes in comes out again when super-packets are cut, and in each flow in order.
//
//     ( | how 1 | length 2 | packet | )*
//
// `how` tells what is done to a packet before it goes in: its checksums are made right, or it
// follows the packet before it.

#include "libtunnel/core/offload/coalescer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "libtunnel/core/offload/segmenter.hpp"
#include "libtunnel/core/wire/ip_packet.hpp"
#include "tests/fuzz/must.hpp"

namespace {

using namespace slopn;

constexpr unsigned kFixChecksums = 1;
constexpr unsigned kFollow = 2;
constexpr std::size_t kMaxInputBytes = 100'000;

using Packets = std::vector<ByteVector>;

std::uint32_t word(ByteView bytes, std::size_t at, std::size_t count)
{
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value = value << 8U | std::to_integer<std::uint32_t>(bytes[at + i]);
  return value;
}

void put(MutableByteView bytes, std::size_t at, std::size_t count, std::uint32_t value)
{
  for (std::size_t i = count; i-- > 0; value >>= 8U)
    bytes[at + i] = static_cast<std::byte>(value & 0xffU);
}

struct Upper {
  std::size_t at = 0;
  std::size_t checksum_at = 0;
  bool tcp = false;
};

// Where TCP or UDP is; 0 if there is none to be seen.
Upper find_upper(ByteView packet)
{
  const auto header = wire::parse_ip_header(packet);
  if (!header || header->packet_bytes != packet.size() || header->is_fragment) return {};
  const bool tcp = header->protocol == wire::kProtocolTcp;
  if (!tcp && header->protocol != wire::kProtocolUdp) return {};
  const std::size_t at = header->payload_offset;
  if (packet.size() < at + (tcp ? 20 : 8)) return {};
  return {at, at + (tcp ? 16U : 6U), tcp};
}

void fix_checksums(MutableByteView packet)
{
  const Upper upper = find_upper(packet);
  const auto header = wire::parse_ip_header(packet);
  if (upper.at == 0 || !header) return;
  if (header->version == IpVersion::v4) {
    put(packet, 10, 2, 0);
    put(packet, 10, 2,
        wire::internet_checksum(ByteView{packet}.first((word(packet, 0, 1) & 15U) * 4)));
  }
  put(packet, upper.checksum_at, 2, 0);
  const ByteView bytes = packet.subspan(upper.at);
  const auto pseudo =
      wire::pseudo_header_sum(header->source, header->destination, header->protocol, bytes.size());
  const unsigned sum = wire::internet_checksum(bytes, pseudo);
  put(packet, upper.checksum_at, 2, sum == 0 && !upper.tcp ? 0xffffU : sum);
}

// Gives `packet` the numbers that come after those of `before`.
void follow(MutableByteView packet, ByteView before)
{
  const Upper upper = find_upper(packet);
  const Upper last = find_upper(before);
  if (upper.at == 0 || upper.at != last.at || upper.tcp != last.tcp) return;
  if (upper.at == 20) put(packet, 4, 2, word(before, 4, 2) + 1);
  if (!upper.tcp) return;
  const std::size_t header_bytes = last.at + (word(before, last.at + 12, 1) >> 4U) * std::size_t{4};
  if (header_bytes > before.size()) return;
  put(packet, upper.at + 4, 4,
      word(before, last.at + 4, 4) + static_cast<std::uint32_t>(before.size() - header_bytes));
}

Packets read(ByteView input)
{
  Packets packets;
  while (input.size() > 3) {
    const unsigned how = word(input, 0, 1);
    const std::size_t size = std::min<std::size_t>(word(input, 1, 2), input.size() - 3);
    const ByteView bytes = input.subspan(3, size);
    input = input.subspan(3 + size);
    if (bytes.empty()) continue;
    ByteVector packet{bytes.begin(), bytes.end()};
    if ((how & kFollow) != 0 && !packets.empty()) follow(packet, packets.back());
    if ((how & kFixChecksums) != 0) fix_checksums(packet);
    packets.push_back(std::move(packet));
  }
  return packets;
}

// What may change on the way: numbers that mean nothing with DF, and the two ways to write zero.
ByteVector comparable(ByteVector packet)
{
  const Upper upper = find_upper(packet);
  if (upper.at == 0) return packet;
  if (word(packet, 0, 1) >> 4U == 4) {
    put(packet, 4, 2, 0);
    put(packet, 10, 2, 0);
  }
  if (upper.tcp && word(packet, upper.checksum_at, 2) == 0xffff)
    put(packet, upper.checksum_at, 2, 0);
  return packet;
}

// Addresses and ports; all that are not of a flow are one.
ByteVector flow_of(ByteView packet)
{
  const Upper upper = find_upper(packet);
  if (upper.at == 0) return {};
  const bool v4 = word(packet, 0, 1) >> 4U == 4;
  const ByteView addresses = v4 ? packet.subspan(12, 8) : packet.subspan(8, 32);
  ByteVector flow{addresses.begin(), addresses.end()};
  flow.insert(flow.end(), packet.begin() + static_cast<std::ptrdiff_t>(upper.at),
              packet.begin() + static_cast<std::ptrdiff_t>(upper.at) + 4);
  flow.push_back(std::byte{upper.tcp});
  return flow;
}

void take(offload::Coalescer& coalescer, Packets& outputs)
{
  for (const HostPacket& packet : coalescer.finish()) {
    auto segmenter = offload::Segmenter::open(packet, kMaxHostPacketBytes);
    fuzz::must(segmenter.has_value());
    for (; !segmenter->done(); segmenter->advance()) {
      const auto piece = segmenter->piece();
      ByteVector one{piece.header.begin(), piece.header.end()};
      one.insert(one.end(), piece.payload.begin(), piece.payload.end());
      outputs.push_back(std::move(one));
    }
  }
  coalescer.clear();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  if (size > kMaxInputBytes) return 0;
  static offload::Coalescer coalescer{{}};
  const Packets inputs = read(view(data, size));
  Packets outputs;
  for (const ByteVector& packet : inputs) {
    if (coalescer.push(packet)) continue;
    take(coalescer, outputs);
    fuzz::must(coalescer.push(packet));
  }
  take(coalescer, outputs);

  fuzz::must(outputs.size() == inputs.size());
  std::map<ByteVector, Packets> expected;
  std::map<ByteVector, Packets> seen;
  for (const auto& packet : inputs) expected[flow_of(packet)].push_back(comparable(packet));
  for (const auto& packet : outputs) seen[flow_of(packet)].push_back(comparable(packet));
  fuzz::must(expected == seen);
  return 0;
}
