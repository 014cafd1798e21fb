#include "libtunnel/quic/http3_frames.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/fuzz/must.hpp"

namespace {

struct Frame {
  std::uint64_t type = 0;
  std::size_t payload_bytes = 0;
  friend bool operator==(const Frame&, const Frame&) = default;
};

void collect(slopn::quic::FrameReader& reader, slopn::ByteView bytes, std::vector<Frame>& frames)
{
  while (const auto piece = reader.next(bytes)) {
    if (piece->begins) frames.push_back({piece->type, 0});
    slopn::fuzz::must(!frames.empty() && frames.back().type == piece->type);
    frames.back().payload_bytes += piece->payload.size();
  }
  slopn::fuzz::must(bytes.empty());
}

}  // namespace

// The same frames must come out of the bytes as a whole and cut in two. The first byte says where.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  if (size == 0) return 0;
  const ByteView bytes = view(data + 1, size - 1);
  const std::size_t cut = data[0] % (bytes.size() + 1);
  quic::FrameReader whole;
  std::vector<Frame> expected;
  collect(whole, bytes, expected);

  quic::FrameReader halves;
  std::vector<Frame> found;
  collect(halves, bytes.first(cut), found);
  collect(halves, bytes.subspan(cut), found);
  fuzz::must(found == expected && halves.between_frames() == whole.between_frames());
  return 0;
}
