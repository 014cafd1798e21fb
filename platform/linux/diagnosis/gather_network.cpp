#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <tuple>

#include "libtunnel/base/socket_address.hpp"
#include "libtunnel/base/unique_fd.hpp"
#include "platform/linux/diagnosis/facts.hpp"
#include "platform/linux/link.hpp"
#include "platform/linux/netlink.hpp"
#include "platform/linux/sysctl.hpp"

// Links, rules, routes and paths, of everybody.
namespace slopn::platform {
namespace {

std::vector<IpVersion> spoken_versions()
{
  if (host_has_ipv6()) return {IpVersion::v4, IpVersion::v6};
  return {IpVersion::v4};
}

std::uint8_t family_of(IpVersion version)
{
  return version == IpVersion::v4 ? AF_INET : AF_INET6;
}

RuleFact read_rule(const nlmsghdr& message, IpVersion version)
{
  const auto& header = netlink::family_header<fib_rule_hdr>(message);
  const netlink::Attributes attributes{message, sizeof header};
  RuleFact rule;
  rule.version = version;
  rule.priority = attributes.u32(FRA_PRIORITY).value_or(0);
  rule.mark = attributes.u32(FRA_FWMARK);
  rule.mask = attributes.u32(FRA_FWMASK).value_or(0xffffffff);
  if (header.action == FR_ACT_TO_TBL) rule.table = attributes.u32(FRA_TABLE).value_or(header.table);
  rule.protocol = attributes.u8(FRA_PROTOCOL).value_or(0);
  rule.inverted = (header.flags & FIB_RULE_INVERT) != 0;
  rule.selective = header.src_len != 0 || header.dst_len != 0 || header.tos != 0;
  for (const std::uint16_t selector : {FRA_IIFNAME, FRA_OIFNAME, FRA_UID_RANGE, FRA_IP_PROTO,
                                       FRA_SPORT_RANGE, FRA_DPORT_RANGE, FRA_TUN_ID, FRA_L3MDEV})
    rule.selective = rule.selective || attributes.find(selector) != nullptr;
  rule.keeps_default = attributes.find(FRA_SUPPRESS_PREFIXLEN) != nullptr &&
                       attributes.u32(FRA_SUPPRESS_PREFIXLEN) != 0xffffffff;
  return rule;
}

void gather_rules(netlink::Socket& socket, HostFacts& facts)
{
  facts.rules_error = 0;
  for (const IpVersion version : spoken_versions()) {
    netlink::Request request{RTM_GETRULE, 0};
    request.family_header<fib_rule_hdr>().family = family_of(version);
    const auto listed = socket.dump(request, [&](const nlmsghdr& message) {
      facts.rules.push_back(read_rule(message, version));
    });
    if (!listed) facts.rules_error = listed.error().code.value();
  }
}

std::string name_of(const std::vector<Link>& links, std::uint32_t index)
{
  const auto link = std::ranges::find(links, index, &Link::index);
  return link == links.end() ? std::string{} : link->name;
}

// A router may have a million routes: all but the default ones are only counted.
void gather_routes(netlink::Socket& socket, const std::vector<Link>& links, HostFacts& facts)
{
  std::map<std::tuple<IpVersion, std::uint32_t, std::uint8_t>, std::uint32_t> counts;
  for (const IpVersion version : spoken_versions()) {
    netlink::Request request{RTM_GETROUTE, 0};
    request.family_header<rtmsg>().rtm_family = family_of(version);
    (void)socket.dump(request, [&](const nlmsghdr& message) {
      const auto& header = netlink::family_header<rtmsg>(message);
      if (header.rtm_family != family_of(version) || (header.rtm_flags & RTM_F_CLONED) != 0) return;
      const netlink::Attributes attributes{message, sizeof header};
      const std::uint32_t table = attributes.u32(RTA_TABLE).value_or(header.rtm_table);
      if (header.rtm_dst_len != 0 || header.rtm_type != RTN_UNICAST) {
        ++counts[{version, table, header.rtm_protocol}];
        return;
      }
      facts.routes.push_back({.version = version,
                              .table = table,
                              .protocol = header.rtm_protocol,
                              .is_default = true,
                              .device = name_of(links, attributes.u32(RTA_OIF).value_or(0))});
    });
  }
  for (const auto& [key, count] : counts) {
    const auto& [version, table, protocol] = key;
    facts.routes.push_back({.version = version,
                            .table = table,
                            .protocol = protocol,
                            .is_default = false,
                            .device = {},
                            .count = count});
  }
}

int reverse_path_filter(const std::string& interface_name)
{
  const auto value = read_sysctl("net/ipv4/conf/" + interface_name + "/rp_filter");
  return value && value->size() == 1 && *value >= "0" && *value <= "2" ? value->front() - '0' : 0;
}

void gather_switches(const std::vector<Link>& links, HostFacts& facts)
{
  const int for_all = reverse_path_filter("all");
  for (const Link& link : links) {
    if (link.name == "lo" || !link.up) continue;
    facts.reverse_path.push_back({link.name, std::max(for_all, reverse_path_filter(link.name))});
  }
  if (const auto marks = read_sysctl("net/ipv4/conf/all/src_valid_mark"))
    facts.marks_count_for_reverse_path = *marks != "0";
  if (!host_has_ipv6()) {
    facts.ipv6_enabled = false;
  } else if (const auto disabled = read_sysctl("net/ipv6/conf/all/disable_ipv6")) {
    facts.ipv6_enabled = *disabled == "0";
  }
}

// A connected UDP socket knows its way, and nothing is sent. With our mark it goes the way of the
// outer packets; without the right to set it the ordinary way must do.
PathFact look_along(const UdpEndpoint& gateway, std::uint32_t mark)
{
  PathFact path{.gateway = gateway.address};
  const bool v4 = gateway.address.is_v4();
  const UniqueFd fd{::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd) {
    path.error = errno;
    return path;
  }
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark);
  sockaddr_storage address{};
  const socklen_t address_size = to_socket_address(gateway, address);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), address_size) != 0) {
    path.error = errno;
    return path;
  }
  int mtu = 0;
  socklen_t size = sizeof mtu;
  if (::getsockopt(fd.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &size) !=
      0) {
    path.error = errno;
    return path;
  }
  path.mtu_bytes = static_cast<std::uint32_t>(mtu);
  return path;
}

}  // namespace

void gather_network_facts(const DiagnosisSubject& subject, HostFacts& facts)
{
  auto socket = netlink::Socket::open();
  if (!socket) return;
  const auto links = list_links(*socket);
  if (links) {
    for (const Link& link : *links)
      facts.links.push_back({link.name, link.kind, link.mtu_bytes, link.up});
    gather_routes(*socket, *links, facts);
    gather_switches(*links, facts);
  }
  gather_rules(*socket, facts);
  for (const UdpEndpoint& gateway : subject.gateways)
    facts.paths.push_back(look_along(gateway, subject.mark));
}

}  // namespace slopn::platform
