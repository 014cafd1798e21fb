#include "libtunnel/io/inner_output.hpp"

#include <algorithm>
#include <numeric>

namespace slopn::io {
namespace {

// How many packets of the tunnel a packet for the host stands for.
std::uint64_t pieces_of(const HostPacket& packet) noexcept
{
  const Offload& offload = packet.offload;
  if (offload.split == Offload::Split::none) return 1;
  const std::size_t payload_bytes = packet.bytes.size() - offload.header_bytes;
  return (payload_bytes + offload.segment_bytes - 1) / offload.segment_bytes;
}

}  // namespace

void InnerOutput::attach(platform::TunDevice* tun)
{
  flush();
  tun_ = tun;
  coalescer_.reset();
  if (tun == nullptr) return;
  const platform::TunOffloads offloads = tun->offloads();
  coalescer_.emplace(offload::Coalescer::Options{.tcp = offloads.tcp, .udp = offloads.udp});
}

void InnerOutput::push(ByteView packet)
{
  if (!coalescer_) {
    ++dropped_;
    return;
  }
  if (coalescer_->push(packet)) return;
  flush();
  if (!coalescer_->push(packet)) ++dropped_;
}

void InnerOutput::flush()
{
  if (!coalescer_ || coalescer_->empty()) return;
  const auto packets = coalescer_->finish();
  // A TUN that is gone takes nothing; whoever reads it learns why and reports it.
  const auto written = tun_->write_batch(packets);
  const auto lost = packets.subspan(written ? *written : 0);
  dropped_ +=
      std::transform_reduce(lost.begin(), lost.end(), std::uint64_t{0}, std::plus<>{}, pieces_of);
  coalescer_->clear();
}

}  // namespace slopn::io
