#include "libtunnel/quic/packet_train.hpp"

namespace slopn::quic {
namespace {

// A run ends with its first short payload: the kernel cuts at equal distances.
bool may_extend(const PacketTrain::Run& run, std::size_t size_bytes, const UdpPath& path,
                EcnBits ecn) noexcept
{
  const bool last_was_short = run.size_bytes % run.segment_bytes != 0;
  return !last_was_short && size_bytes <= run.segment_bytes &&
         run.segments < PacketTrain::kMaxSegments &&
         run.size_bytes + size_bytes <= PacketTrain::kMaxRunBytes && run.ecn == ecn &&
         run.path == path;
}

}  // namespace

PacketTrain::PacketTrain(std::size_t max_packets, std::size_t max_payload_bytes)
    : max_payload_bytes_(max_payload_bytes),
      capacity_bytes_(max_packets * max_payload_bytes),
      storage_(std::make_unique_for_overwrite<std::byte[]>(capacity_bytes_))
{
  runs_.reserve(max_packets);
}

void PacketTrain::append(std::size_t size_bytes, const UdpPath& path, EcnBits ecn)
{
  if (runs_.empty() || !may_extend(runs_.back(), size_bytes, path, ecn))
    runs_.push_back(
        {.offset_bytes = used_bytes_, .segment_bytes = size_bytes, .path = path, .ecn = ecn});
  runs_.back().size_bytes += size_bytes;
  ++runs_.back().segments;
  used_bytes_ += size_bytes;
}

}  // namespace slopn::quic
