#include "libtunnel/core/address_pool.hpp"

#include <algorithm>
#include <utility>

namespace slopn {
namespace {

// Prefixes this short of the full length have no network and broadcast (or subnet-router)
// address of their own: RFC 3021, RFC 6164.
constexpr std::uint8_t kBitsWithoutReserved = 1;

bool has_reserved_ends(const IpPrefix& prefix) noexcept
{
  return prefix.address().bits() - prefix.length_bits() > kBitsWithoutReserved;
}

IpAddress first_host(const IpPrefix& prefix) noexcept
{
  return has_reserved_ends(prefix) ? *prefix.first().next() : prefix.first();
}

IpAddress last_host(const IpPrefix& prefix) noexcept
{
  const bool broadcast = prefix.version() == IpVersion::v4 && has_reserved_ends(prefix);
  return broadcast ? *prefix.last().previous() : prefix.last();
}

bool overlap(const IpPrefix& a, const IpPrefix& b) noexcept
{
  return a.contains(b.first()) || b.contains(a.first());
}

// Whether any address of `prefix` lies where no host may have one.
bool touches_special_scope(const IpPrefix& prefix)
{
  static const std::vector<IpPrefix> kSpecial = [] {
    std::vector<IpPrefix> special;
    for (const auto* text : {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/127",
                             "fe80::/10", "ff00::/8"})
      special.push_back(*IpPrefix::parse(text));
    return special;
  }();
  return std::ranges::any_of(kSpecial,
                             [&](const IpPrefix& special) { return overlap(prefix, special); });
}

}  // namespace

Result<AddressPool> AddressPool::make(const std::vector<IpPrefix>& prefixes)
{
  AddressPool pool;
  for (const IpPrefix& prefix : prefixes) {
    if (touches_special_scope(prefix))
      return fail(Errc::invalid_argument, "address pool " + prefix.to_string());
    Family& family = pool.family(prefix.version());
    for (const Range& range : family.ranges) {
      if (overlap(range.prefix, prefix))
        return fail(Errc::invalid_argument, "address pools " + range.prefix.to_string() + " and " +
                                                prefix.to_string() + " overlap");
    }

    Range range{prefix, first_host(prefix), last_host(prefix)};
    if (!family.gateway) {
      family.gateway = IpInterfaceAddress{*range.next, prefix.length_bits()};
      range.next = *range.next == range.last ? std::nullopt : range.next->next();
    }
    family.ranges.push_back(range);
  }
  return pool;
}

std::optional<IpInterfaceAddress> AddressPool::gateway_address(IpVersion version) const
{
  return family(version).gateway;
}

std::vector<IpPrefix> AddressPool::prefixes() const
{
  std::vector<IpPrefix> all;
  for (const Family* family : {&v4_, &v6_}) {
    for (const Range& range : family->ranges) all.push_back(range.prefix);
  }
  return all;
}

Result<IpAddress> AddressPool::lease(std::string_view client, IpVersion version)
{
  if (client.empty()) return fail(Errc::invalid_argument, "an address for a client without a name");
  Family& family = this->family(version);
  if (const auto known = family.by_client.find(client); known != family.by_client.end()) {
    Lease& lease = family.leases.at(known->second);
    if (lease.holders++ == 0) {
      family.idle.erase(lease.released_at);
      ++family.in_use;
    }
    return known->second;
  }

  auto address = take_any(family);
  if (!address) return address;
  family.by_client.emplace(client, *address);
  family.leases.emplace(*address, Lease{std::string{client}, 1, 0});
  ++family.in_use;
  return address;
}

Result<IpAddress> AddressPool::lease_anonymous(IpVersion version)
{
  Family& family = this->family(version);
  auto address = take_any(family);
  if (!address) return address;
  family.leases.emplace(*address, Lease{{}, 1, 0});
  ++family.in_use;
  return address;
}

void AddressPool::release(const IpAddress& address)
{
  Family& family = this->family(address.version());
  const auto at = family.leases.find(address);
  if (at == family.leases.end() || at->second.holders == 0) return;
  Lease& lease = at->second;
  if (--lease.holders > 0) return;

  --family.in_use;
  if (lease.client.empty()) {
    family.returned.push_back(address);
    family.leases.erase(at);
    return;
  }
  lease.released_at = next_release_++;
  family.idle.emplace(lease.released_at, address);
}

std::size_t AddressPool::leased(IpVersion version) const noexcept
{
  return family(version).in_use;
}

std::vector<AddressPool::Reservation> AddressPool::snapshot() const
{
  std::vector<Reservation> reservations;
  for (const Family* family : {&v4_, &v6_}) {
    for (const auto& [released_at, address] : family->idle)
      reservations.push_back({family->leases.at(address).client, address});
    for (const auto& [address, lease] : family->leases) {
      if (lease.holders > 0 && !lease.client.empty())
        reservations.push_back({lease.client, address});
    }
  }
  return reservations;
}

std::size_t AddressPool::restore(const std::vector<Reservation>& reservations)
{
  std::size_t taken = 0;
  for (const Reservation& reservation : reservations) {
    Family& family = this->family(reservation.address.version());
    if (reservation.client.empty() || !assignable(family, reservation.address) ||
        family.leases.contains(reservation.address) ||
        family.by_client.contains(reservation.client))
      continue;
    const std::uint64_t released_at = next_release_++;
    family.leases.emplace(reservation.address, Lease{reservation.client, 0, released_at});
    family.by_client.emplace(reservation.client, reservation.address);
    family.idle.emplace(released_at, reservation.address);
    ++taken;
  }
  return taken;
}

AddressPool::Family& AddressPool::family(IpVersion version) noexcept
{
  return version == IpVersion::v4 ? v4_ : v6_;
}

const AddressPool::Family& AddressPool::family(IpVersion version) const noexcept
{
  return version == IpVersion::v4 ? v4_ : v6_;
}

// An address that nobody has and that is kept for nobody.
std::optional<IpAddress> AddressPool::take_unused(Family& family)
{
  if (!family.returned.empty()) {
    const IpAddress address = family.returned.front();
    family.returned.pop_front();
    return address;
  }
  for (Range& range : family.ranges) {
    while (range.next) {
      const IpAddress address = *range.next;
      range.next = address == range.last ? std::nullopt : address.next();
      // Restored reservations lie ahead of us; each is skipped once.
      if (!family.leases.contains(address)) return address;
    }
  }
  return std::nullopt;
}

// The address that was idle for the longest time; its client loses it.
std::optional<IpAddress> AddressPool::take_idle(Family& family)
{
  if (family.idle.empty()) return std::nullopt;
  const IpAddress address = family.idle.begin()->second;
  family.idle.erase(family.idle.begin());
  const auto lease = family.leases.find(address);
  family.by_client.erase(lease->second.client);
  family.leases.erase(lease);
  return address;
}

Result<IpAddress> AddressPool::take_any(Family& family)
{
  if (const auto address = take_unused(family)) return *address;
  if (const auto address = take_idle(family)) return *address;
  return fail(Errc::pool_exhausted, "lease an inner address");
}

bool AddressPool::assignable(const Family& family, const IpAddress& address) noexcept
{
  if (family.gateway && family.gateway->address == address) return false;
  return std::ranges::any_of(family.ranges, [&](const Range& range) {
    return first_host(range.prefix) <= address && address <= range.last;
  });
}

}  // namespace slopn
