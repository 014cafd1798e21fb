#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config/address_store.hpp"
#include "daemon/config/host_port.hpp"
#include "libtunnel/base/result.hpp"
#include "libtunnel/core/race_plan.hpp"
#include "libtunnel/io/task_group.hpp"

namespace slopn::daemon {

/// Whether DNS may be asked again for a name that it has answered before.
enum class Names : std::uint8_t {
  ask,
  remember,  ///< While a tunnel is up or being repaired, DNS goes into it like everything else.
};

/// Finds the addresses of a profile's gateways. On the control thread.
class GatewayFinder {
 public:
  struct News {
    std::vector<RaceCandidate> candidates;  ///< Those that are new.
    std::vector<Error> missing;             ///< Names without an address; only when complete.
    bool complete = false;                  ///< This was the last.
  };
  using Listener = std::function<void(const News& news)>;

  explicit GatewayFinder(asio::any_io_executor control) : control_(control), tasks_(control) {}

  /// Looks for `gateways`, in place of what it was looking for before, and tells `listener` what is
  /// known already before it returns. The best gateway's name gets a head start before the others
  /// are told.
  void search(const std::vector<config::HostPort>& gateways, Names names, Listener listener);
  /// What DNS has answered, in this run or before.
  [[nodiscard]] const config::KnownAddresses& known() const noexcept { return known_; }
  void set_known(config::KnownAddresses known) { known_ = std::move(known); }
  /// Stops looking.
  void cancel() noexcept { search_.reset(); }

  /// Ends everything; then it may be destroyed.
  [[nodiscard]] asio::awaitable<void> stop();

 private:
  using SearchId = std::uint64_t;
  struct Search {
    SearchId id = 0;
    Listener listener;
    std::vector<config::HostPort> gateways;
    std::vector<bool> answered;  // of each gateway
    News news;                   // not told yet
    bool waits = true;           // for the best gateway
  };

  [[nodiscard]] asio::awaitable<void> resolve(SearchId search, std::size_t gateway);
  [[nodiscard]] asio::awaitable<void> end_head_start(SearchId search);
  void take(std::size_t gateway, const std::vector<IpAddress>& addresses);
  void offer(std::size_t gateway, const std::vector<IpAddress>& addresses);
  void tell();

  asio::any_io_executor control_;
  config::KnownAddresses known_;
  std::optional<Search> search_;
  SearchId last_search_ = 0;
  io::TaskGroup tasks_;
};

}  // namespace slopn::daemon
