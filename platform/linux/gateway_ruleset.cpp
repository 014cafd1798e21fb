#include "platform/linux/gateway_ruleset.hpp"

#include <vector>

#include "platform/linux/link.hpp"
#include "platform/linux/nftables.hpp"

namespace slopn::platform {
namespace {

// Source ports for clients' connections: above the ports on which a gateway may listen, so that
// no client's choice of port can shadow a service there (CVE-2021-3773, "port shadow").
constexpr const char* kMasqueradePorts = "16384-65535";

// A named set of prefixes of one family. Sets may be empty, so rules need no special cases.
std::string prefix_set(const std::string& name, IpVersion version,
                       const std::vector<IpPrefix>& prefixes)
{
  std::string elements;
  for (const IpPrefix& prefix : prefixes) {
    if (prefix.version() != version) continue;
    if (!elements.empty()) elements += ", ";
    // The whole address space is written as its halves: nftables 1.0 refuses 0.0.0.0/0.
    if (prefix.length_bits() == 0) {
      elements += version == IpVersion::v4 ? "0.0.0.0/1, 128.0.0.0/1" : "::/1, 8000::/1";
    } else {
      elements += prefix.to_string();
    }
  }
  std::string text = "  set " + name + (version == IpVersion::v4 ? "4" : "6") + " {\n";
  text += version == IpVersion::v4 ? "    type ipv4_addr\n" : "    type ipv6_addr\n";
  text += "    flags interval\n    auto-merge\n";
  if (!elements.empty()) text += "    elements = { " + elements + " }\n";
  return text + "  }\n";
}

std::string both_sets(const std::string& name, const std::vector<IpPrefix>& prefixes)
{
  return prefix_set(name, IpVersion::v4, prefixes) + prefix_set(name, IpVersion::v6, prefixes);
}

// An attacker beside the gateway must neither speak as a client nor reach the tunnel's own
// addresses: the answers would tell which exist and let connections be guessed (CVE-2019-14899).
std::string arriving_chains(const std::string& tunnel)
{
  const std::string outside = "    iifname != { " + tunnel + ", \"lo\" } ";
  return "  chain prerouting {\n"
         "    type filter hook prerouting priority raw; policy accept;\n" +
         outside + "ip saddr @pools4 drop\n" +  //
         outside + "ip6 saddr @pools6 drop\n" +
         "  }\n"
         "  chain input {\n"
         "    type filter hook input priority filter; policy accept;\n" +
         outside + "ip daddr @inside4 drop\n" +  //
         outside + "ip6 daddr @inside6 drop\n" + "    iifname " + tunnel +
         " jump to_gateway\n  }\n";
}

std::string service_rules(const std::vector<UdpEndpoint>& services)
{
  std::string text;
  for (const UdpEndpoint& service : services) {
    text += service.address.is_v4() ? "    ip daddr " : "    ip6 daddr ";
    text += service.address.to_string() + " meta l4proto { tcp, udp } th dport " +
            std::to_string(service.port) + " accept\n";
  }
  return text;
}

// What clients may ask the gateway itself.
std::string to_gateway_chain(const std::vector<UdpEndpoint>& services)
{
  return "  chain to_gateway {\n"
         "    ip saddr != @pools4 drop\n"
         "    ip6 saddr != @pools6 drop\n"
         "    ct state established,related accept\n"
         "    icmp type echo-request accept\n"
         "    icmpv6 type echo-request accept\n" +
         service_rules(services) +
         "    meta l4proto tcp reject with tcp reset\n"
         "    reject with icmpx admin-prohibited\n"
         "  }\n";
}

std::string forward_chains(const GatewayRules& rules, const std::string& tunnel)
{
  std::string text =
      "  chain forward {\n"
      "    type filter hook forward priority filter; policy accept;\n"
      "    iifname " +
      tunnel + " jump from_tunnel\n" + "    oifname " + tunnel +
      " jump to_tunnel\n  }\n"
      "  chain from_tunnel {\n"
      "    ip saddr != @pools4 drop\n"
      "    ip6 saddr != @pools6 drop\n"
      "    ip daddr @forbidden4 reject with icmpx admin-prohibited\n"
      "    ip6 daddr @forbidden6 reject with icmpx admin-prohibited\n"
      "    oifname " +
      tunnel + (rules.client_to_client ? " accept\n" : " reject with icmpx admin-prohibited\n");
  // Connection tracking does not rewrite what it calls invalid: inner addresses would get out.
  if (rules.masquerade) text += "    ct state invalid drop\n";
  return text +
         "    tcp dport 25 reject with tcp reset\n"
         "    accept\n"
         "  }\n"
         "  chain to_tunnel {\n"
         "    ct state established,related accept\n"
         "    drop\n"
         "  }\n";
}

// Inner TCP must not depend on ICMP Too Big getting through; `rt mtu` is the smaller of both
// directions and only ever lowers the option.
std::string clamp_chain(const std::string& tunnel)
{
  const std::string clamp = " tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu\n";
  return "  chain clamp {\n"
         "    type filter hook forward priority mangle; policy accept;\n"
         "    iifname " +
         tunnel + clamp + "    oifname " + tunnel + clamp + "  }\n";
}

// What the kernel would say into the tunnel by itself, to clients that did not ask.
std::string output_chain(const std::string& tunnel)
{
  return "  chain output {\n"
         "    type filter hook output priority filter; policy accept;\n"
         "    oifname " +
         tunnel + " icmp type redirect drop\n" + "    oifname " + tunnel +
         " icmpv6 type { nd-router-solicit, nd-redirect, mld-listener-report,"
         " mld-listener-done, mld2-listener-report } drop\n  }\n";
}

std::string masquerade_chain(const std::string& tunnel)
{
  std::string text =
      "  chain postrouting {\n"
      "    type nat hook postrouting priority srcnat; policy accept;\n"
      "    oifname { " +
      tunnel + ", \"lo\" } accept\n";
  for (const char* pool : {"ip saddr @pools4", "ip6 saddr @pools6"}) {
    text += "    " + std::string{pool} +
            " meta l4proto { tcp, udp } masquerade to :" + kMasqueradePorts + " fully-random\n";
    text += "    " + std::string{pool} + " masquerade\n";
  }
  return text + "  }\n";
}

}  // namespace

Result<std::string> gateway_ruleset(const GatewayRules& rules, const std::string& table)
{
  if (!valid_interface_name(rules.tunnel_interface))
    return fail(Errc::invalid_argument, "interface name '" + rules.tunnel_interface + "'");
  if (!valid_interface_name(table))  // the same harmless letters
    return fail(Errc::invalid_argument, "table name '" + table + "'");
  if (rules.pools.empty()) return fail(Errc::invalid_argument, "gateway rules without pools");

  std::vector<IpPrefix> inside = rules.pools;
  for (const IpAddress& address : rules.tunnel_addresses) inside.push_back(IpPrefix::host(address));
  const std::string tunnel = '"' + rules.tunnel_interface + '"';

  std::string text = nftables_removal(table) + "table inet " + table + " {\n";
  text += both_sets("pools", rules.pools);
  text += both_sets("inside", inside);
  text += both_sets("forbidden", rules.forbidden);
  text += arriving_chains(tunnel);
  text += to_gateway_chain(rules.services);
  text += forward_chains(rules, tunnel);
  text += clamp_chain(tunnel);
  text += output_chain(tunnel);
  if (rules.masquerade) text += masquerade_chain(tunnel);
  return text + "}\n";
}

}  // namespace slopn::platform
