#include "platform/local_networks.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>

#include "platform/linux/link.hpp"
#include "platform/linux/netlink.hpp"

namespace slopn::platform {

Result<std::vector<LocalNetwork>> local_networks()
{
  auto socket = netlink::Socket::open();
  if (!socket) return socket.error();
  const auto links = list_links(*socket);
  if (!links) return links.error();
  std::map<std::uint32_t, std::string> names;
  for (const Link& link : *links) {
    if (link.up) names.emplace(link.index, link.name);
  }

  std::vector<LocalNetwork> networks;
  netlink::Request request{RTM_GETADDR, 0};
  request.family_header<ifaddrmsg>().ifa_family = AF_UNSPEC;
  const auto dumped = socket->dump(request, [&](const nlmsghdr& message) {
    const auto& header = netlink::family_header<ifaddrmsg>(message);
    const netlink::Attributes attributes{message, sizeof header};
    const auto address = IpAddress::from_bytes(attributes.bytes(IFA_ADDRESS));
    const auto name = names.find(header.ifa_index);
    if (!address || name == names.end()) return;
    LocalNetwork one{name->second, IpPrefix::containing(*address, header.ifa_prefixlen)};
    // A dump that was interrupted starts anew, and a link may have several addresses in a network.
    if (std::ranges::find(networks, one) == networks.end()) networks.push_back(std::move(one));
  });
  if (!dumped) return Error{dumped.error()}.within("list addresses");
  return networks;
}

}  // namespace slopn::platform
