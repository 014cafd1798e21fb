#include "libtunnel/io/inner_output.hpp"

namespace slopn::io {

InnerOutput::InnerOutput() : batch_(kBatchPackets, kMaxPacketBytes)
{
  views_.reserve(kBatchPackets);
}

void InnerOutput::push(ByteView packet)
{
  if (batch_.full()) flush();
  if (!batch_.append(packet)) ++dropped_;
}

void InnerOutput::flush()
{
  if (batch_.empty()) return;
  views_.assign(batch_.packets().begin(), batch_.packets().end());
  std::size_t taken = 0;
  if (tun_ != nullptr) {
    // A TUN that is gone takes nothing; whoever reads it learns why and reports it.
    if (const auto written = tun_->write_batch(views_)) taken = *written;
  }
  dropped_ += views_.size() - taken;
  batch_.clear();
}

}  // namespace slopn::io
