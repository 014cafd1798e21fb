#include <algorithm>
#include <set>

#include "daemon/config/schema.hpp"
#include "libtunnel/base/overloaded.hpp"

namespace slopn::config {
namespace {

/// Complaints about single keys, at the place where each got its value.
class Checker {
 public:
  Checker(const Origins& origins, Diagnostics& diagnostics)
      : origins_(origins), diagnostics_(diagnostics)
  {
  }

  void require(bool good, std::string_view key, std::string_view complaint)
  {
    if (good) return;
    const auto origin = origins_.find(key);
    const Position at = origin == origins_.end() ? Position{"default"} : origin->second;
    diagnostics_.add(at, std::string{key}.append(": ").append(complaint));
  }

 private:
  const Origins& origins_;
  Diagnostics& diagnostics_;
};

bool overlap(const IpPrefix& a, const IpPrefix& b) noexcept
{
  return a.contains(b.address()) || b.contains(a.address());
}

template <class T>
bool all_different(std::vector<T> values)
{
  std::ranges::sort(values);
  return std::ranges::adjacent_find(values) == values.end();
}

void check_common(const Config& config, Checker& check)
{
  constexpr std::size_t kMaxSocketPathBytes = 107;  // sun_path without the final zero
  check.require(!config.state_dir.empty(), "state_dir", "must not be empty");
  check.require(!config.control.socket.empty(), "control.socket", "must not be empty");
  check.require(config.control.socket.string().size() <= kMaxSocketPathBytes, "control.socket",
                "longer than 107 bytes, the most a Unix socket can have");
}

void check_client(const ClientConfig& client, Checker& check)
{
  constexpr std::uint32_t kDefaultTable = 253;
  constexpr std::uint32_t kLocalTable = 255;
  check.require(client.routing_table < kDefaultTable || client.routing_table > kLocalTable,
                "client.routing_table", "253 to 255 are the kernel's own tables");
  check.require(client.keep_alive < client.idle_timeout, "client.keep_alive_s",
                "must be shorter than client.idle_timeout_s");
  check.require(client.retry.first_backoff <= client.retry.longest_backoff,
                "client.retry.first_backoff_ms",
                "must not be longer than client.retry.longest_backoff_s");
}

void check_pools(const GatewayConfig& gateway, Checker& check)
{
  check.require(!gateway.pools.empty(), "gateway.pools", "a gateway needs addresses to give away");
  for (std::size_t i = 0; i < gateway.pools.size(); ++i) {
    const auto& pool = gateway.pools[i];
    const bool v4 = pool.version() == IpVersion::v4;
    const bool good_length = v4 ? pool.length_bits() >= 8 && pool.length_bits() <= 30
                                : pool.length_bits() >= 32 && pool.length_bits() <= 126;
    check.require(good_length, "gateway.pools",
                  pool.to_string() + ": a pool is from /8 to /30, for IPv6 from /32 to /126");
    check.require(!pool.first().is_multicast() && !pool.first().is_loopback() &&
                      !pool.first().is_link_local() && !pool.first().is_unspecified(),
                  "gateway.pools", pool.to_string() + " holds no addresses that can be given away");
    for (std::size_t j = 0; j < i; ++j) {
      check.require(!overlap(pool, gateway.pools[j]), "gateway.pools",
                    pool.to_string() + " and " + gateway.pools[j].to_string() + " overlap");
    }
  }
}

void check_known_clients(const AuthConfig& auth, Checker& check)
{
  std::vector<std::string> names;
  std::vector<crypto::PublicKey> keys;
  std::vector<crypto::SpkiPin> pins;
  for (const auto& client : auth.clients) {
    names.push_back(client.name);
    std::visit(Overloaded{[&](const crypto::PublicKey& key) { keys.push_back(key); },
                          [&](const crypto::SpkiPin& pin) { pins.push_back(pin); }},
               client.identity);
  }
  check.require(all_different(names), "gateway.auth.client", "two clients have the same name");
  check.require(all_different(keys), "gateway.auth.client", "two clients have the same public_key");
  check.require(all_different(pins), "gateway.auth.client",
                "two clients have the same certificate_pin");
}

void check_gateway(const GatewayConfig& gateway, Checker& check)
{
  check.require(!gateway.listen.empty(), "gateway.listen", "a gateway needs one address at least");
  check.require(all_different(gateway.listen), "gateway.listen", "the same address twice");
  const auto& tls = gateway.tls;
  check.require(tls.certificate.empty() || !tls.private_key.empty(), "gateway.tls.certificate",
                "needs gateway.tls.private_key beside it");
  check.require(tls.private_key.empty() || !tls.certificate.empty(), "gateway.tls.private_key",
                "needs gateway.tls.certificate beside it");
  check.require(gateway.limits.keep_alive < gateway.limits.idle_timeout,
                "gateway.limits.keep_alive_s",
                "must be shorter than gateway.limits.idle_timeout_s");
  check_pools(gateway, check);
  check_known_clients(gateway.auth, check);
}

}  // namespace

void check_config(const Config& config, const Origins& origins, Diagnostics& diagnostics)
{
  Checker check{origins, diagnostics};
  check_common(config, check);
  check_client(config.client, check);
  check_gateway(config.gateway, check);
}

}  // namespace slopn::config
