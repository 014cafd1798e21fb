#include "libtunnel/io/tun_pump.hpp"

namespace slopn::io {

TunPump::TunPump(asio::any_io_executor executor, std::unique_ptr<platform::TunDevice> device,
                 InnerHandler& handler)
    : device_(std::move(device)),
      handler_(handler),
      batch_(kBatchPackets, kMaxHostPacketBytes, kBatchBytes),
      resumed_(executor),
      tasks_(executor)
{
  resumed_.expires_at(asio::steady_timer::time_point::max());
  tasks_.spawn(run());
}

void TunPump::resume()
{
  resumed_.cancel();
}

asio::awaitable<void> TunPump::stop()
{
  tasks_.cancel();
  return tasks_.join();
}

asio::awaitable<void> TunPump::run()
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    while (!handler_.wants_inner_packets()) {
      waiting_ = true;
      [[maybe_unused]] const auto [ec] = co_await resumed_.async_wait(with_ec);
      waiting_ = false;
      const bool stop = co_await stop_requested();
      if (stop) co_return;
    }
    auto ready = co_await device_->wait_readable();
    const bool stop = co_await stop_requested();
    if (stop) co_return;
    if (!ready) {
      handler_.on_tun_lost(std::move(ready.error()));
      co_return;
    }
    const bool read = read_once();
    if (!read) co_return;
  }
}

bool TunPump::read_once()
{
  batch_.clear();
  if (auto read = device_->read_batch(batch_); !read) {
    handler_.on_tun_lost(std::move(read.error()));
    return false;
  }
  handler_.on_inner_packets(batch_.packets());
  // A batch that is not full was all there is.
  if (!batch_.full()) handler_.on_inner_pause();
  return true;
}

}  // namespace slopn::io
