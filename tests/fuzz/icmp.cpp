// Answers to anything must be right packets, or none.

#include "libtunnel/core/wire/icmp.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

#include "libtunnel/core/wire/ip_packet.hpp"
#include "tests/fuzz/must.hpp"

namespace {

using namespace slopn;

void check(ByteView answer, ByteView offending)
{
  if (answer.empty()) return;
  const auto header = wire::parse_ip_header(answer);
  fuzz::must(header && header->packet_bytes == answer.size());
  const auto cause = wire::parse_ip_header(offending);
  fuzz::must(cause && header->destination == cause->source);
  fuzz::must(answer.size() <= (cause->version == IpVersion::v4 ? 576U : 1280U));
  const ByteView icmp = answer.subspan(header->payload_offset);
  const std::uint64_t pseudo_sum =
      cause->version == IpVersion::v4 ? 0
                                      : wire::pseudo_header_sum(header->source, header->destination,
                                                                wire::kProtocolIcmpV6, icmp.size());
  fuzz::must(wire::internet_checksum(icmp, pseudo_sum) == 0);

  // No answer to an answer: it would go on for ever.
  std::array<std::byte, wire::kMaxIcmpErrorBytes> buffer{};
  fuzz::must(wire::build_time_exceeded(buffer, answer, header->source) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView offending = view(data, size);
  std::array<std::byte, wire::kMaxIcmpErrorBytes> buffer{};
  const auto answer = [&](std::size_t length) { check(ByteView{buffer}.first(length), offending); };
  for (const IpAddress& from : {IpAddress::v4({10, 0, 0, 1}), *IpAddress::parse("fd00::1")}) {
    answer(wire::build_too_big(buffer, offending, from, size));
    answer(wire::build_time_exceeded(buffer, offending, from));
    for (const auto why : {wire::Unreachable::no_route, wire::Unreachable::prohibited,
                           wire::Unreachable::address, wire::Unreachable::source_policy})
      answer(wire::build_unreachable(buffer, offending, from, why));
  }
  return 0;
}
