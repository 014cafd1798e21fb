#include "platform/route_manager.hpp"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "platform/linux/kernel_routing.hpp"
#include "platform/linux/link.hpp"
#include "platform/linux/netlink.hpp"
#include "platform/linux/reply_mark.hpp"
#include "platform/linux/sysctl.hpp"

namespace slopn::platform {
namespace {

constexpr std::uint16_t kSmallestIpv6MtuBytes = 1280;  // RFC 8200 section 5
constexpr std::uint32_t kLastUsablePriority = 32763;   // ours are three, `main` has 32766
// A prefix may be in several lists: it is then refused as soon as its interface is gone.
constexpr std::uint32_t kOutsideMetric = 5;
constexpr std::uint32_t kTunnelMetric = 10;
constexpr std::uint32_t kRefusalMetric = 20;

Result<> check(const NetworkConfig& config)
{
  const bool has_ipv6 =
      std::ranges::any_of(config.addresses, [](const auto& own) { return own.address.is_v6(); });
  if (has_ipv6 && config.mtu_bytes < kSmallestIpv6MtuBytes) {
    return fail(Errc::invalid_argument,
                "IPv6 address with an MTU of " + std::to_string(config.mtu_bytes));
  }
  const bool uses_interface =
      !config.addresses.empty() || (config.policy && !config.policy->through_tunnel.empty());
  if (config.interface_name.empty() && (uses_interface || !config.policy))
    return fail(Errc::invalid_argument, "addresses or routes without an interface");
  if (!config.policy) return {};

  const NetworkConfig::Policy& policy = *config.policy;
  if (policy.bypass_mark == 0) return fail(Errc::invalid_argument, "routing mark 0");
  const bool reserved = policy.table == RT_TABLE_UNSPEC ||
                        (policy.table >= RT_TABLE_DEFAULT && policy.table <= RT_TABLE_LOCAL);
  if (reserved)
    return fail(Errc::invalid_argument, "routing table " + std::to_string(policy.table));
  if (policy.rule_priority == 0 || policy.rule_priority > kLastUsablePriority)
    return fail(Errc::invalid_argument, "rule priority " + std::to_string(policy.rule_priority));
  return {};
}

std::vector<KernelRoute> wanted_routes(const NetworkConfig::Policy& policy,
                                       std::uint32_t interface_index)
{
  std::vector<KernelRoute> routes;
  for (const IpPrefix& prefix : policy.through_tunnel)
    routes.push_back({prefix, policy.table, RTN_UNICAST, interface_index, kTunnelMetric});
  for (const IpPrefix& prefix : policy.unreachable)
    routes.push_back({prefix, policy.table, RTN_UNREACHABLE, 0, kRefusalMetric});
  for (const IpPrefix& prefix : policy.outside)
    routes.push_back({prefix, policy.table, RTN_THROW, 0, kOutsideMetric});
  return routes;
}

// Our own packets use `main`, and when it has no way they use none: in our table they would go
// into the tunnel that they carry. Everything else looks into our table first.
std::vector<KernelRule> wanted_rules(const NetworkConfig::Policy& policy)
{
  std::vector<KernelRule> rules;
  for (const IpVersion version : {IpVersion::v4, IpVersion::v6}) {
    const std::uint32_t first = policy.rule_priority;
    rules.push_back({version, first, policy.bypass_mark, FR_ACT_TO_TBL, RT_TABLE_MAIN});
    rules.push_back({version, first + 1, policy.bypass_mark, FR_ACT_UNREACHABLE, 0});
    rules.push_back({version, first + 2, std::nullopt, FR_ACT_TO_TBL, policy.table});
  }
  return rules;
}

template <class T>
bool holds(const std::vector<T>& list, const T& value)
{
  return std::ranges::find(list, value) != list.end();
}

class LinuxRouteManager final : public RouteManager {
 public:
  LinuxRouteManager(netlink::Socket socket, const RouteManagerOptions& options)
      : socket_(std::move(socket)),
        routing_(socket_, options.routing_protocol),
        switches_(options.state_dir.empty() ? std::filesystem::path{}
                                            : options.state_dir / "routing-before-slopn")
  {
  }

  Result<> apply(const NetworkConfig& config) override;
  Result<> restore() override;

 private:
  struct Wanted {
    std::vector<KernelRoute> routes;
    std::vector<KernelRule> rules;
  };

  Result<> configure_interface(const NetworkConfig& config, const Link& link);
  Result<> set_addresses(const NetworkConfig& config, const Link& link);
  Result<> add_missing(const Wanted& wanted);
  Result<> remove_unwanted(const Wanted& wanted);
  Result<> accept_replies(const std::optional<NetworkConfig::Policy>& policy);
  Result<> remove_leftover_interfaces();

  netlink::Socket socket_;
  KernelRouting routing_;
  SysctlKeeper switches_;
  std::optional<std::uint32_t> replies_mark_;
};

Result<> LinuxRouteManager::apply(const NetworkConfig& config)
{
  if (auto sound = check(config); !sound) return sound;
  std::uint32_t interface_index = 0;
  if (!config.interface_name.empty()) {
    auto link = find_link(socket_, config.interface_name);
    if (!link) return link.error();
    interface_index = link->index;
    if (auto done = configure_interface(config, *link); !done)
      return std::move(done.error()).within(config.interface_name);
  }

  Wanted wanted;
  if (config.policy)
    wanted = {wanted_routes(*config.policy, interface_index), wanted_rules(*config.policy)};
  if (!host_has_ipv6()) {
    std::erase_if(wanted.routes, [](const auto& one) { return one.destination.address().is_v6(); });
    std::erase_if(wanted.rules, [](const auto& one) { return one.version == IpVersion::v6; });
  }

  if (auto done = accept_replies(config.policy); !done) return done;
  // First all that is new, then away with the old: at no time does a packet find neither.
  if (auto done = add_missing(wanted); !done) return done;
  return remove_unwanted(wanted);
}

Result<> LinuxRouteManager::configure_interface(const NetworkConfig& config, const Link& link)
{
  if (link.mtu_bytes != config.mtu_bytes || !link.up) {
    if (auto set = set_link(socket_, link.index, {.mtu_bytes = config.mtu_bytes}); !set)
      return std::move(set.error()).within("set MTU " + std::to_string(config.mtu_bytes));
    silence_ipv6(socket_, link);
    if (auto up = set_link(socket_, link.index, {.bring_up = true}); !up)
      return std::move(up.error()).within("bring link up");
  }
  return set_addresses(config, link);
}

Result<> LinuxRouteManager::set_addresses(const NetworkConfig& config, const Link& link)
{
  std::vector<IpInterfaceAddress> wanted = config.addresses;
  if (!host_has_ipv6()) std::erase_if(wanted, [](const auto& own) { return own.address.is_v6(); });
  if (std::ranges::any_of(wanted, [](const auto& own) { return own.address.is_v6(); })) {
    // Hosts that switch IPv6 off mean their own network, not the one inside the tunnel.
    (void)write_sysctl("net/ipv6/conf/" + link.name + "/disable_ipv6", "0");
  }
  // With a policy our table decides alone; a gateway needs its pools in `main`.
  const OnLinkRoute on_link = config.policy ? OnLinkRoute::none : OnLinkRoute::by_kernel;

  // Removing an IPv4 address may take others of its subnet with it, hence the second look.
  for (int look = 0; look < 2; ++look) {
    auto present = routing_.addresses(link.index);
    if (!present) return present.error();
    for (const auto& own : wanted) {
      if (holds(*present, own)) continue;
      if (auto added = routing_.add_address(link.index, own, on_link); !added) return added;
    }
    bool removed_any = false;
    for (const auto& own : *present) {
      if (holds(wanted, own)) continue;
      if (auto removed = routing_.remove_address(link.index, own); !removed) return removed;
      removed_any = true;
    }
    if (!removed_any) break;
  }
  return {};
}

Result<> LinuxRouteManager::add_missing(const Wanted& wanted)
{
  auto routes = routing_.routes();
  if (!routes) return routes.error();
  for (const KernelRoute& route : wanted.routes) {
    if (holds(*routes, route)) continue;
    if (auto added = routing_.add_route(route); !added) return added;
  }

  auto rules = routing_.rules();
  if (!rules) return rules.error();
  for (const KernelRule& rule : wanted.rules) {
    if (holds(*rules, rule)) continue;
    if (auto added = routing_.add_rule(rule); !added) return added;
  }
  return {};
}

Result<> LinuxRouteManager::remove_unwanted(const Wanted& wanted)
{
  auto rules = routing_.rules();
  if (!rules) return rules.error();
  // The rule for everybody goes before the exception for our own packets, which without the
  // exception would enter the tunnel that they carry.
  std::ranges::sort(*rules, std::ranges::greater{}, &KernelRule::priority);
  for (const KernelRule& rule : *rules) {
    if (holds(wanted.rules, rule)) continue;
    if (auto removed = routing_.remove_rule(rule); !removed) return removed;
  }

  auto routes = routing_.routes();
  if (!routes) return routes.error();
  for (const KernelRoute& route : *routes) {
    if (holds(wanted.routes, route)) continue;
    if (auto removed = routing_.remove_route(route); !removed) return removed;
  }
  return {};
}

Result<> LinuxRouteManager::accept_replies(const std::optional<NetworkConfig::Policy>& policy)
{
  if (!policy) {
    if (std::exchange(replies_mark_, std::nullopt)) stop_marking_replies();
    return switches_.restore();
  }
  if (replies_mark_ != policy->bypass_mark && strict_reverse_path_in_use()) {
    if (auto marked = mark_replies(policy->bypass_mark); !marked) return marked;
    replies_mark_ = policy->bypass_mark;
  }
  return switches_.set({{"net/ipv4/conf/all/src_valid_mark", "1"}});
}

Result<> LinuxRouteManager::restore()
{
  // Goes on after a failure and reports the first: half restored is better than not at all.
  Result<> outcome;
  const auto note = [&outcome](Result<> step) {
    if (!step && outcome) outcome = std::move(step);
  };
  note(remove_unwanted({}));
  note(remove_leftover_interfaces());
  stop_marking_replies();
  replies_mark_.reset();
  note(switches_.restore());
  if (!outcome) return std::move(outcome.error()).within("restore the network");
  return outcome;
}

Result<> LinuxRouteManager::remove_leftover_interfaces()
{
  auto links = list_links(socket_);
  if (!links) return links.error();
  for (const Link& link : *links) {
    if (!link.persistent_tun || link.alias != kOurAlias) continue;
    if (auto deleted = delete_link(socket_, link.index); !deleted)
      return std::move(deleted.error()).within("delete " + link.name);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<RouteManager>> make_route_manager(const RouteManagerOptions& options)
{
  if (options.routing_protocol <= RTPROT_STATIC)
    return fail(Errc::invalid_argument, "routing protocol number of the kernel or administrator");
  auto socket = netlink::Socket::open();
  if (!socket) return socket.error();
  return std::make_unique<LinuxRouteManager>(*std::move(socket), options);
}

}  // namespace slopn::platform
