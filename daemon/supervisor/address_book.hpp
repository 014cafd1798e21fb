#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/config/lease_store.hpp"
#include "libtunnel/core/address_pool.hpp"
#include "libtunnel/session/gateway_session.hpp"

namespace spdlog {
class logger;
}

namespace slopn::daemon {

/// Which inner addresses belong to which client: the pool, and its memory on disk.
class AddressBook {
 public:
  [[nodiscard]] static Result<AddressBook> open(const std::vector<IpPrefix>& pools,
                                                const std::filesystem::path& lease_file,
                                                spdlog::logger& log);

  /// Addresses of every family that has one for `visitor`. Errc::pool_exhausted if none has.
  [[nodiscard]] Result<std::vector<IpPrefix>> lease(const session::Visitor& visitor);
  void release(const std::vector<IpPrefix>& addresses);

  /// The gateway's own addresses, with the prefixes of their pools.
  [[nodiscard]] std::vector<IpInterfaceAddress> gateway_addresses() const;

  /// Writes to disk what has changed since the last time.
  [[nodiscard]] Result<> save();
  [[nodiscard]] bool changed() const noexcept { return changed_; }

 private:
  AddressBook(AddressPool pool, config::LeaseStore store)
      : pool_(std::move(pool)), store_(std::move(store))
  {
  }

  AddressPool pool_;
  config::LeaseStore store_;
  bool changed_ = false;
};

/// What names a client for ever: "ed25519:...", "sha256:..." or "anonymous".
[[nodiscard]] std::string identity_of(const session::Visitor& visitor);

}  // namespace slopn::daemon
