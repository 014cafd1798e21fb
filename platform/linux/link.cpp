#include "platform/linux/link.hpp"

#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/socket.h>
// glibc's header first: the kernel's then leaves out what both define.
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>

#include "platform/linux/sysctl.hpp"

namespace slopn::platform {
namespace {

Link read_link(const nlmsghdr& message)
{
  const auto& header = netlink::family_header<ifinfomsg>(message);
  const netlink::Attributes attributes{message, sizeof header};
  const netlink::Attributes info{attributes.find(IFLA_LINKINFO)};
  const netlink::Attributes data{info.find(IFLA_INFO_DATA)};

  Link link;
  link.index = static_cast<std::uint32_t>(header.ifi_index);
  link.name = attributes.text(IFLA_IFNAME);
  link.alias = attributes.text(IFLA_IFALIAS);
  link.kind = info.text(IFLA_INFO_KIND);
  link.mtu_bytes = attributes.u32(IFLA_MTU).value_or(0);
  link.up = (header.ifi_flags & IFF_UP) != 0;
  link.persistent_tun = link.kind == "tun" && data.u8(IFLA_TUN_PERSIST).value_or(0) != 0;
  return link;
}

bool is_alphanumeric(char c) noexcept
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool valid_interface_name(std::string_view name) noexcept
{
  if (name.empty() || name.size() >= IFNAMSIZ || !is_alphanumeric(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alphanumeric(c) || c == '_' || c == '-' || c == '.'; });
}

Result<Link> find_link(netlink::Socket& socket, std::string_view name)
{
  if (!valid_interface_name(name))
    return fail(Errc::invalid_argument, "interface name '" + std::string{name} + "'");

  netlink::Request request{RTM_GETLINK, 0};
  request.family_header<ifinfomsg>().ifi_family = AF_UNSPEC;
  request.put_text(IFLA_IFNAME, name);

  std::optional<Link> link;
  auto asked =
      socket.transact(request, [&](const nlmsghdr& message) { link = read_link(message); });
  const std::string what = "interface " + std::string{name};
  if (!asked) {
    if (asked.error().code.value() == ENODEV) return fail(Errc::not_found, what);
    return std::move(asked.error()).within(what);
  }
  if (!link) return fail(Errc::not_found, what);
  return *std::move(link);
}

Result<std::vector<Link>> list_links(netlink::Socket& socket)
{
  netlink::Request request{RTM_GETLINK, 0};
  request.family_header<ifinfomsg>().ifi_family = AF_UNSPEC;
  std::vector<Link> links;
  auto dumped =
      socket.dump(request, [&](const nlmsghdr& message) { links.push_back(read_link(message)); });
  if (!dumped) return std::move(dumped.error()).within("list interfaces");
  return links;
}

Result<> set_link(netlink::Socket& socket, std::uint32_t index, const LinkChange& change)
{
  netlink::Request request{RTM_NEWLINK, 0};
  auto& header = request.family_header<ifinfomsg>();
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = static_cast<int>(index);
  if (change.bring_up) {
    header.ifi_flags = IFF_UP;
    header.ifi_change = IFF_UP;
  }
  if (change.mtu_bytes) request.put_u32(IFLA_MTU, *change.mtu_bytes);
  if (change.transmit_queue_packets) request.put_u32(IFLA_TXQLEN, *change.transmit_queue_packets);
  if (!change.alias.empty()) request.put_text(IFLA_IFALIAS, change.alias);
  return socket.transact(request);
}

Result<> delete_link(netlink::Socket& socket, std::uint32_t index)
{
  netlink::Request request{RTM_DELLINK, 0};
  auto& header = request.family_header<ifinfomsg>();
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = static_cast<int>(index);
  auto deleted = socket.transact(request);
  if (!deleted && deleted.error().code.value() == ENODEV) return {};
  return deleted;
}

void silence_ipv6(netlink::Socket& socket, const Link& link)
{
  if (!host_has_ipv6()) return;

  netlink::Request request{RTM_NEWLINK, 0};
  auto& header = request.family_header<ifinfomsg>();
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = static_cast<int>(link.index);
  nlattr* families = request.begin_nest(IFLA_AF_SPEC);
  nlattr* ipv6 = request.begin_nest(AF_INET6);
  request.put_u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  request.end_nest(ipv6);
  request.end_nest(families);
  // Below an MTU of 1280 there is no IPv6 on the interface and nothing to silence; where /proc/sys
  // is read-only, advertisements still need a link-local source, which no tunnel session may use.
  (void)socket.transact(request);
  (void)write_sysctl("net/ipv6/conf/" + link.name + "/accept_ra", "0");
}

bool host_has_ipv6()
{
  return read_sysctl("net/ipv6/conf/all/forwarding").has_value();
}

}  // namespace slopn::platform
