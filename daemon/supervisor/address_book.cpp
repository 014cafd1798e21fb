#include "daemon/supervisor/address_book.hpp"

#include <spdlog/logger.h>

#include "libtunnel/crypto/certificate.hpp"
#include "libtunnel/crypto/keys.hpp"

namespace slopn::daemon {

std::string identity_of(const session::Visitor& visitor)
{
  if (!visitor.key) return "anonymous";
  switch (visitor.key->kind) {
    case ClientKeyKind::ed25519:
      return crypto::PublicKey{visitor.key->bytes}.to_string();
    case ClientKeyKind::certificate_spki:
      return crypto::SpkiPin{visitor.key->bytes}.to_string();
  }
  return "anonymous";
}

Result<AddressBook> AddressBook::open(const std::vector<IpPrefix>& pools,
                                      const std::filesystem::path& lease_file, spdlog::logger& log)
{
  auto pool = AddressPool::make(pools);
  if (!pool) return std::move(pool.error()).within("gateway.pools");
  config::LeaseStore store{lease_file};
  auto loaded = store.load();
  if (!loaded) return loaded.error();
  if (loaded->damage) log.warn("leases: {}", loaded->damage->message());

  pool->restore(loaded->reservations);
  return AddressBook{std::move(*pool), std::move(store)};
}

Result<std::vector<IpPrefix>> AddressBook::lease(const session::Visitor& visitor)
{
  std::vector<IpPrefix> addresses;
  Error reason = fail(Errc::pool_exhausted, "no pool");
  for (const IpVersion version : {IpVersion::v4, IpVersion::v6}) {
    if (!pool_.gateway_address(version)) continue;
    auto address =
        visitor.key ? pool_.lease(identity_of(visitor), version) : pool_.lease_anonymous(version);
    if (address)
      addresses.push_back(IpPrefix::host(*address));
    else
      reason = std::move(address.error());
  }
  if (addresses.empty()) return reason;
  changed_ = changed_ || visitor.key.has_value();
  return addresses;
}

void AddressBook::release(const std::vector<IpPrefix>& addresses)
{
  for (const IpPrefix& address : addresses) pool_.release(address.address());
  changed_ = true;
}

std::vector<IpInterfaceAddress> AddressBook::gateway_addresses() const
{
  std::vector<IpInterfaceAddress> addresses;
  for (const IpVersion version : {IpVersion::v4, IpVersion::v6}) {
    if (const auto address = pool_.gateway_address(version)) addresses.push_back(*address);
  }
  return addresses;
}

Result<> AddressBook::save()
{
  auto saved = store_.save(pool_.snapshot());
  if (saved) changed_ = false;
  return saved;
}

}  // namespace slopn::daemon
