#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn {

/// The inner addresses a gateway gives to its clients.
///
/// A client with a key gets the same address every time, also after a restart (see `snapshot()`).
/// Others get addresses that are kept for nobody; only when none is left, the one that has been
/// idle for the longest time is taken from the client it was kept for. The first host of each family's
/// first prefix is the gateway itself; network and broadcast addresses of IPv4 and the
/// subnet-router address of IPv6 are never given out. Every operation is O(log leases).
class AddressPool {
 public:
  /// Without addresses: every lease fails.
  AddressPool() = default;

  /// Errc::invalid_argument if prefixes overlap or lie in a scope that is not for hosts
  /// (multicast, loopback, link-local, 0.0.0.0/8).
  [[nodiscard]] static Result<AddressPool> make(const std::vector<IpPrefix>& prefixes);

  /// The gateway's own inner address, with the length of its prefix; nullopt for a family without
  /// a prefix.
  [[nodiscard]] std::optional<IpInterfaceAddress> gateway_address(IpVersion version) const;

  [[nodiscard]] std::vector<IpPrefix> prefixes() const;

  /// The address of `client`, which is any text that names it for ever. Leases of one client are
  /// counted: each needs its `release()`. Errc::pool_exhausted when every address is in use or the
  /// family has none; Errc::invalid_argument for an empty name.
  [[nodiscard]] Result<IpAddress> lease(std::string_view client, IpVersion version);

  /// An address for somebody without a name; after its release it is anybody's.
  [[nodiscard]] Result<IpAddress> lease_anonymous(IpVersion version);

  /// Gives one lease of `address` back. Unknown addresses are ignored.
  void release(const IpAddress& address);

  /// Addresses in use now.
  [[nodiscard]] std::size_t leased(IpVersion version) const noexcept;

  /// What is worth keeping on disk.
  struct Reservation {
    std::string client;
    IpAddress address;
    friend bool operator==(const Reservation&, const Reservation&) = default;
  };
  /// Least recently used first; those in use last.
  [[nodiscard]] std::vector<Reservation> snapshot() const;

  /// Takes over what `snapshot()` returned, for a pool without leases. Entries that no longer fit
  /// (another prefix, a reserved or doubled address, a second one for a client) are left out.
  /// Returns how many were taken.
  std::size_t restore(const std::vector<Reservation>& reservations);

 private:
  // Hands out the addresses from `next` to `last` in order, each once.
  struct Range {
    IpPrefix prefix;
    std::optional<IpAddress> next;
    IpAddress last;
  };
  struct Lease {
    std::string client;  // empty: anonymous
    std::uint32_t holders = 0;
    std::uint64_t released_at = 0;  // key into Family::idle while nobody holds it
  };
  struct Family {
    std::optional<IpInterfaceAddress> gateway;
    std::vector<Range> ranges;
    std::map<IpAddress, Lease> leases;
    std::map<std::string, IpAddress, std::less<>> by_client;
    std::map<std::uint64_t, IpAddress> idle;  // kept for their clients, longest idle first
    std::deque<IpAddress> returned;           // anonymous ones, longest idle first
    std::size_t in_use = 0;
  };

  [[nodiscard]] Family& family(IpVersion version) noexcept;
  [[nodiscard]] const Family& family(IpVersion version) const noexcept;
  [[nodiscard]] static std::optional<IpAddress> take_unused(Family& family);
  [[nodiscard]] static std::optional<IpAddress> take_idle(Family& family);
  [[nodiscard]] static Result<IpAddress> take_any(Family& family);
  [[nodiscard]] static bool assignable(const Family& family, const IpAddress& address) noexcept;

  Family v4_;
  Family v6_;
  std::uint64_t next_release_ = 1;
};

}  // namespace slopn
