#include "libtunnel/io/inner_exchange.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace slopn::io {

void Mail::add(const HostPacket& packet)
{
  bytes_.insert(bytes_.end(), packet.bytes.begin(), packet.bytes.end());
  entries_.push_back({packet.bytes.size(), packet.offload});
}

std::span<const HostPacket> Mail::packets()
{
  packets_.clear();
  MutableByteView rest{bytes_};
  for (const Entry& entry : entries_) {
    packets_.push_back({rest.first(entry.size_bytes), entry.offload});
    rest = rest.subspan(entry.size_bytes);
  }
  return packets_;
}

void Mail::clear() noexcept
{
  bytes_.clear();
  entries_.clear();
}

InnerExchange::InnerExchange(std::size_t workers)
{
  for (std::size_t i = 0; i < workers; ++i) boxes_.push_back(std::make_unique<Box>());
}

void InnerExchange::join(std::size_t worker, asio::any_io_executor executor,
                         std::function<void()> on_mail)
{
  Box& box = *boxes_[worker];
  const std::scoped_lock lock{box.guard};
  box.executor = std::move(executor);
  box.on_mail = std::move(on_mail);
}

void InnerExchange::assign(const IpAddress& address, std::size_t worker)
{
  const std::scoped_lock lock{guard_};
  workers_.insert_or_assign(address, worker);
}

void InnerExchange::withdraw(const IpAddress& address)
{
  const std::scoped_lock lock{guard_};
  workers_.erase(address);
}

bool InnerExchange::hand_over(std::size_t reader, const IpAddress& destination,
                              const HostPacket& packet)
{
  std::size_t worker = reader;
  {
    const std::shared_lock lock{guard_};
    if (const auto found = workers_.find(destination); found != workers_.end())
      worker = found->second;
  }
  if (worker == reader) return false;

  Box& box = *boxes_[worker];
  {
    const std::scoped_lock lock{box.guard};
    if (box.mail.bytes() + packet.bytes.size() > kMaxMailBytes) {
      ++box.dropped;
      return true;
    }
    box.mail.add(packet);
    if (std::exchange(box.announced, true)) return true;
  }
  // Boxes outlive the threads, so the reference is good for as long as anything runs there.
  asio::post(box.executor, [&box] { box.on_mail(); });
  return true;
}

void InnerExchange::collect(std::size_t worker, Mail& mail)
{
  mail.clear();
  Box& box = *boxes_[worker];
  const std::scoped_lock lock{box.guard};
  std::swap(box.mail, mail);
  box.announced = false;
}

std::uint64_t InnerExchange::dropped_packets(std::size_t worker) const noexcept
{
  return boxes_[worker]->dropped;
}

}  // namespace slopn::io
