#include "platform/fake/fake_tun_device.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "libtunnel/base/async.hpp"

namespace slopn::platform {

// The bells never expire; they are rung by cancelling whoever waits for them.
FakeTunDevice::FakeTunDevice(const asio::any_io_executor& executor, std::string name,
                             std::uint32_t index)
    : name_(std::move(name)),
      index_(index),
      inbound_bell_(executor, asio::steady_timer::time_point::max()),
      written_bell_(executor, asio::steady_timer::time_point::max())
{
}

asio::awaitable<Result<>> FakeTunDevice::wait_readable()
{
  while (!removed_ && inbound_.empty()) {
    auto [rung] = co_await inbound_bell_.async_wait(with_ec);
    // Not stop_requested(), which would throw for a caller that leaves throw_if_cancelled on.
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none)
      co_return fail(rung, "wait for " + name_);
  }
  if (removed_) co_return removed_error();
  co_return Result<>{};
}

Result<std::size_t> FakeTunDevice::read_batch(PacketBatch& batch)
{
  if (removed_) return removed_error();
  std::size_t count = 0;
  for (; !batch.full() && !inbound_.empty(); ++count) {
    const ByteVector& packet = inbound_.front();
    const MutableByteView slot = batch.next_slot();
    const std::size_t length = std::min(packet.size(), slot.size());
    std::copy_n(packet.begin(), length, slot.begin());
    batch.commit(length);
    inbound_.pop_front();
  }
  return count;
}

Result<std::size_t> FakeTunDevice::write_batch(std::span<const HostPacket> packets)
{
  if (removed_) return removed_error();
  std::size_t taken = 0;
  for (const HostPacket& packet : packets) {
    if (room_packets_ && written_.size() >= *room_packets_) break;
    written_.emplace_back(packet.bytes.begin(), packet.bytes.end());
    ++taken;
  }
  if (taken > 0) written_bell_.cancel();
  return taken;
}

void FakeTunDevice::inject(ByteView packet)
{
  inbound_.emplace_back(packet.begin(), packet.end());
  inbound_bell_.cancel();
}

std::vector<ByteVector> FakeTunDevice::take_written()
{
  const auto written = std::exchange(written_, {});
  return {written.begin(), written.end()};
}

asio::awaitable<Result<ByteVector>> FakeTunDevice::next_written()
{
  while (!removed_ && written_.empty()) {
    auto [rung] = co_await written_bell_.async_wait(with_ec);
    // Not stop_requested(), which would throw for a caller that leaves throw_if_cancelled on.
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none)
      co_return fail(rung, "wait for a packet written to " + name_);
  }
  if (written_.empty()) co_return removed_error();
  ByteVector packet = std::move(written_.front());
  written_.pop_front();
  co_return packet;
}

void FakeTunDevice::remove()
{
  removed_ = true;
  inbound_bell_.cancel();
  written_bell_.cancel();
}

Error FakeTunDevice::removed_error() const
{
  return fail({EBADFD, boost::system::system_category()}, name_ + ": the interface was deleted");
}

}  // namespace slopn::platform
