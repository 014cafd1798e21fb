// The first byte says into what parts the rest is cut; that must not change what is seen.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "libtunnel/core/wire/capsule.hpp"
#include "tests/fuzz/must.hpp"

namespace {

using namespace slopn;

constexpr std::size_t kMaxValueBytes = 64;

class Recorder final : public wire::CapsuleSink {
 public:
  Result<> on_capsule(std::uint64_t type, ByteView value) override
  {
    seen.emplace_back(type, ByteVector{value.begin(), value.end()});
    return {};
  }
  std::vector<std::pair<std::uint64_t, ByteVector>> seen;
};

// Whether the stream is fine, and what was seen of it.
std::pair<bool, Recorder> parse(ByteView stream, std::size_t part)
{
  wire::CapsuleParser parser{{wire::CapsuleType::datagram, wire::CapsuleType::address_assign,
                              wire::CapsuleType::route_advertisement},
                             kMaxValueBytes};
  Recorder sink;
  while (!stream.empty()) {
    const ByteView bytes = stream.first(std::min(part, stream.size()));
    stream = stream.subspan(bytes.size());
    const bool fed = parser.feed(bytes, sink).has_value();
    fuzz::must(parser.buffered_bytes() <= kMaxValueBytes);
    if (!fed) return {false, std::move(sink)};
  }
  return {parser.finish().has_value(), std::move(sink)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  if (size == 0) return 0;
  const ByteView stream = view(data + 1, size - 1);
  const auto whole = parse(stream, stream.size() + 1);
  const auto cut = parse(stream, data[0] % 16 + std::size_t{1});
  fuzz::must(whole.first == cut.first);
  fuzz::must(whole.second.seen == cut.second.seen);
  for (const auto& [type, value] : whole.second.seen) fuzz::must(value.size() <= kMaxValueBytes);
  return 0;
}
