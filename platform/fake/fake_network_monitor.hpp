#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>
#include <utility>

#include "platform/network_monitor.hpp"

namespace slopn::platform {

/// A network that changes when the test says so.
class FakeNetworkMonitor final : public NetworkMonitor {
 public:
  explicit FakeNetworkMonitor(asio::any_io_executor executor) : changed_(std::move(executor))
  {
    changed_.expires_at(asio::steady_timer::time_point::max());
  }

  [[nodiscard]] asio::awaitable<Result<>> wait_change() override
  {
    while (!std::exchange(pending_, false)) {
      [[maybe_unused]] const auto [ec] = co_await changed_.async_wait(with_ec);
      const bool stop = co_await stop_requested();
      if (stop) co_return fail(asio::error::operation_aborted, "wait for changes of the network");
    }
    co_return Result<>{};
  }

  [[nodiscard]] Result<std::optional<LocalPath>> path_to(const IpAddress& destination,
                                                         std::uint32_t) override
  {
    ++questions;
    const auto found = paths_.find(destination);
    return found == paths_.end() ? std::nullopt : found->second;
  }

  /// From now on packets for `destination` take `path`; absent: there is none.
  void set_path(const IpAddress& destination, std::optional<LocalPath> path)
  {
    paths_[destination] = std::move(path);
    announce();
  }
  /// Something changed that concerns nobody.
  void announce()
  {
    pending_ = true;
    changed_.cancel();
  }

  unsigned questions = 0;

 private:
  asio::steady_timer changed_;  // its expiry never comes; cancelled when something changes
  bool pending_ = false;
  std::map<IpAddress, std::optional<LocalPath>> paths_;
};

}  // namespace slopn::platform
