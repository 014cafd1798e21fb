#include "platform/linux/kernel_routing.hpp"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "platform/linux/link.hpp"

namespace slopn::platform {
namespace {

std::uint8_t family_of(IpVersion version) noexcept
{
  return version == IpVersion::v4 ? AF_INET : AF_INET6;
}

std::optional<IpVersion> version_of(std::uint8_t family) noexcept
{
  switch (family) {
    case AF_INET:
      return IpVersion::v4;
    case AF_INET6:
      return IpVersion::v6;
    default:
      return std::nullopt;
  }
}

// The kernels of hosts without IPv6 answer a question about it with everything they have.
std::vector<IpVersion> spoken_versions()
{
  if (host_has_ipv6()) return {IpVersion::v4, IpVersion::v6};
  return {IpVersion::v4};
}

// Removing is about the outcome.
Result<> unless_gone(Result<> removed)
{
  if (removed) return removed;
  switch (removed.error().code.value()) {
    case ESRCH:          // route
    case ENOENT:         // rule
    case EADDRNOTAVAIL:  // address
    case ENODEV:
      return {};
    default:
      return removed;
  }
}

// Adding too: somebody may have been faster than we.
Result<> unless_there(Result<> added)
{
  if (!added && added.error().code.value() == EEXIST) return {};
  return added;
}

std::optional<IpInterfaceAddress> read_address(const nlmsghdr& message)
{
  const auto& header = netlink::family_header<ifaddrmsg>(message);
  const netlink::Attributes attributes{message, sizeof header};
  // With a peer, IFA_ADDRESS is the peer's and IFA_LOCAL is ours; IPv6 has only the first.
  const std::uint16_t type =
      attributes.find(IFA_LOCAL) != nullptr ? std::uint16_t{IFA_LOCAL} : std::uint16_t{IFA_ADDRESS};
  const auto address = IpAddress::from_bytes(attributes.bytes(type));
  if (!address) return std::nullopt;
  return IpInterfaceAddress{*address, header.ifa_prefixlen};
}

std::optional<KernelRoute> read_route(const nlmsghdr& message)
{
  const auto& header = netlink::family_header<rtmsg>(message);
  const auto version = version_of(header.rtm_family);
  if (!version || (header.rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;

  const netlink::Attributes attributes{message, sizeof header};
  const auto address =
      header.rtm_dst_len == 0
          ? IpAddress::any(*version)
          : IpAddress::from_bytes(attributes.bytes(RTA_DST)).value_or(IpAddress::any(*version));
  KernelRoute route;
  route.destination = IpPrefix::containing(address, header.rtm_dst_len);
  route.table = attributes.u32(RTA_TABLE).value_or(header.rtm_table);
  route.type = header.rtm_type;
  // IPv6 names the loopback interface for refusals.
  if (route.type == RTN_UNICAST) route.interface_index = attributes.u32(RTA_OIF).value_or(0);
  route.metric = attributes.u32(RTA_PRIORITY).value_or(0);
  return route;
}

std::optional<KernelRule> read_rule(const nlmsghdr& message, std::uint8_t protocol)
{
  const auto& header = netlink::family_header<fib_rule_hdr>(message);
  const auto version = version_of(header.family);
  const netlink::Attributes attributes{message, sizeof header};
  if (!version || attributes.u8(FRA_PROTOCOL) != protocol) return std::nullopt;

  KernelRule rule;
  rule.version = *version;
  rule.priority = attributes.u32(FRA_PRIORITY).value_or(0);
  rule.mark = attributes.u32(FRA_FWMARK);
  rule.action = header.action;
  if (rule.action == FR_ACT_TO_TBL) rule.table = attributes.u32(FRA_TABLE).value_or(header.table);
  return rule;
}

}  // namespace

std::string KernelRoute::to_string() const
{
  const std::string kind = type == RTN_UNREACHABLE ? "unreachable "
                           : type == RTN_THROW     ? "throw "
                                                   : "";
  return kind + destination.to_string() + " in table " + std::to_string(table);
}

std::string KernelRule::to_string() const
{
  std::string text = (version == IpVersion::v4 ? "IPv4 " : "IPv6 ") + std::to_string(priority);
  if (mark) text += " for mark " + std::to_string(*mark);
  return text + (action == FR_ACT_TO_TBL ? " to table " + std::to_string(table) : " unreachable");
}

Result<std::vector<IpInterfaceAddress>> KernelRouting::addresses(std::uint32_t interface_index)
{
  std::vector<IpInterfaceAddress> found;
  for (const IpVersion version : spoken_versions()) {
    netlink::Request request{RTM_GETADDR, 0};
    auto& header = request.family_header<ifaddrmsg>();
    header.ifa_family = family_of(version);
    header.ifa_index = interface_index;
    auto dumped = socket_.dump(request, [&](const nlmsghdr& message) {
      if (netlink::family_header<ifaddrmsg>(message).ifa_index != interface_index) return;
      if (const auto address = read_address(message)) found.push_back(*address);
    });
    if (!dumped) return std::move(dumped.error()).within("list addresses");
  }
  return found;
}

Result<> KernelRouting::add_address(std::uint32_t interface_index,
                                    const IpInterfaceAddress& address, OnLinkRoute on_link)
{
  netlink::Request request{RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL};
  auto& header = request.family_header<ifaddrmsg>();
  header.ifa_family = family_of(address.address.version());
  header.ifa_prefixlen = address.prefix_length_bits;
  header.ifa_scope = RT_SCOPE_UNIVERSE;
  header.ifa_index = interface_index;
  request.put_bytes(IFA_LOCAL, address.address.bytes());
  request.put_bytes(IFA_ADDRESS, address.address.bytes());
  // A point-to-point link has nobody to ask whether the address is taken (RFC 4862 section 5.4).
  std::uint32_t flags = address.address.is_v6() ? IFA_F_NODAD : 0;
  if (on_link == OnLinkRoute::none) flags |= IFA_F_NOPREFIXROUTE;
  request.put_u32(IFA_FLAGS, flags);
  auto added = unless_there(socket_.transact(request));
  if (!added) return std::move(added.error()).within("add address " + address.to_string());
  return {};
}

Result<> KernelRouting::remove_address(std::uint32_t interface_index,
                                       const IpInterfaceAddress& address)
{
  netlink::Request request{RTM_DELADDR, 0};
  auto& header = request.family_header<ifaddrmsg>();
  header.ifa_family = family_of(address.address.version());
  header.ifa_prefixlen = address.prefix_length_bits;
  header.ifa_index = interface_index;
  request.put_bytes(IFA_LOCAL, address.address.bytes());
  auto removed = unless_gone(socket_.transact(request));
  if (!removed) return std::move(removed.error()).within("remove address " + address.to_string());
  return {};
}

Result<std::vector<KernelRoute>> KernelRouting::routes()
{
  std::vector<KernelRoute> found;
  for (const IpVersion version : spoken_versions()) {
    netlink::Request request{RTM_GETROUTE, 0};
    auto& header = request.family_header<rtmsg>();
    header.rtm_family = family_of(version);
    header.rtm_protocol = protocol_;  // new kernels send only these; a router may have a million
    auto dumped = socket_.dump(request, [&](const nlmsghdr& message) {
      if (netlink::family_header<rtmsg>(message).rtm_protocol != protocol_) return;
      if (const auto route = read_route(message)) found.push_back(*route);
    });
    // Linux 5.x answers a filtered question with ENOENT when there is no such table yet.
    if (!dumped && dumped.error().code.value() != ENOENT)
      return std::move(dumped.error()).within("list routes");
  }
  return found;
}

void KernelRouting::fill(netlink::Request& request, const KernelRoute& route) const
{
  auto& header = request.family_header<rtmsg>();
  header.rtm_family = family_of(route.destination.version());
  header.rtm_dst_len = route.destination.length_bits();
  header.rtm_table = RT_TABLE_UNSPEC;  // RTA_TABLE has room for numbers above 255
  header.rtm_protocol = protocol_;
  header.rtm_type = route.type;
  header.rtm_scope = route.type == RTN_UNICAST && route.destination.version() == IpVersion::v4
                         ? RT_SCOPE_LINK
                         : RT_SCOPE_UNIVERSE;
  request.put_bytes(RTA_DST, route.destination.address().bytes());
  request.put_u32(RTA_TABLE, route.table);
  request.put_u32(RTA_PRIORITY, route.metric);
  if (route.interface_index != 0) request.put_u32(RTA_OIF, route.interface_index);
}

Result<> KernelRouting::add_route(const KernelRoute& route)
{
  netlink::Request request{RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE};
  fill(request, route);
  auto added = unless_there(socket_.transact(request));
  if (!added) return std::move(added.error()).within("add route " + route.to_string());
  return {};
}

Result<> KernelRouting::remove_route(const KernelRoute& route)
{
  netlink::Request request{RTM_DELROUTE, 0};
  fill(request, route);
  auto removed = unless_gone(socket_.transact(request));
  if (!removed) return std::move(removed.error()).within("remove route " + route.to_string());
  return {};
}

Result<std::vector<KernelRule>> KernelRouting::rules()
{
  std::vector<KernelRule> found;
  for (const IpVersion version : spoken_versions()) {
    netlink::Request request{RTM_GETRULE, 0};
    request.family_header<fib_rule_hdr>().family = family_of(version);
    auto dumped = socket_.dump(request, [&](const nlmsghdr& message) {
      if (const auto rule = read_rule(message, protocol_)) found.push_back(*rule);
    });
    if (!dumped) return std::move(dumped.error()).within("list rules");
  }
  return found;
}

void KernelRouting::fill(netlink::Request& request, const KernelRule& rule) const
{
  auto& header = request.family_header<fib_rule_hdr>();
  header.family = family_of(rule.version);
  header.table = RT_TABLE_UNSPEC;
  header.action = rule.action;
  request.put_u32(FRA_PRIORITY, rule.priority);
  request.put_u8(FRA_PROTOCOL, protocol_);
  if (rule.mark) request.put_u32(FRA_FWMARK, *rule.mark);
  if (rule.action == FR_ACT_TO_TBL) request.put_u32(FRA_TABLE, rule.table);
}

Result<> KernelRouting::add_rule(const KernelRule& rule)
{
  netlink::Request request{RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL};
  fill(request, rule);
  auto added = unless_there(socket_.transact(request));
  if (!added) return std::move(added.error()).within("add rule " + rule.to_string());
  return {};
}

Result<> KernelRouting::remove_rule(const KernelRule& rule)
{
  netlink::Request request{RTM_DELRULE, 0};
  fill(request, rule);
  auto removed = unless_gone(socket_.transact(request));
  if (!removed) return std::move(removed.error()).within("remove rule " + rule.to_string());
  return {};
}

}  // namespace slopn::platform
